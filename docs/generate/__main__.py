"""Writes every generated page anew: `python -m docs.generate`."""

from docs.generate.pages import REFERENCE, pages


def main() -> None:
    REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text)


if __name__ == "__main__":
    main()
