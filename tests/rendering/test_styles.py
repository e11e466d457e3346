"""A class in a template becomes the rules that it stands for."""

from devsync.rendering.styles import with_styles

STYLESHEET = ".item { margin: 0; font-family: 'Segoe UI', sans-serif; } .item.wide { color: red; }"


def test_the_rules_of_a_class_are_inlined_wherever_it_occurs() -> None:
    styled = with_styles('<li class="item">{{ a }}</li>{% if b > 1 %}<p id="x" class="item">{% endif %}', STYLESHEET)
    style = "style=\"margin:0;font-family:'Segoe UI', sans-serif\""
    assert (
        styled
        == f'<li class="item" {style}>{{{{ a }}}}</li>{{% if b > 1 %}}<p id="x" class="item" {style}>{{% endif %}}'
    )


def test_rules_of_several_classes_are_joined() -> None:
    assert "color:red" in with_styles('<li class="item wide">', STYLESHEET)
    assert "color:red" not in with_styles('<li class="item">', STYLESHEET)


def test_a_class_without_rules_and_markup_without_classes_stay() -> None:
    source = '<li class="unknown">{{ data["class"] }}</li><p>'
    assert with_styles(source, STYLESHEET) == source
