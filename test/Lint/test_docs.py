"""Links and file names in the documentation resolve."""

import re

import tree


def headings(path):
    """The anchors of a page, as web views of Markdown make them."""
    found = set()
    for line in re.findall(r"^#+ (.*)$", tree.text(path), re.MULTILINE):
        word = re.sub(r"[^\w\- ]", "", line.strip().lower())
        found.add(word.replace(" ", "-"))
    return found


def test_links_resolve():
    broken = []
    for page in tree.files(suffixes={".md"}):
        text = re.sub(r"^```.*?^```", "", tree.text(page), flags=re.DOTALL | re.MULTILINE)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            path = (page.parent / target).resolve() if target else page
            if not path.exists():
                broken.append(f"{tree.name(page)}: no file '{link}'")
            elif anchor and anchor not in headings(path):
                broken.append(f"{tree.name(page)}: no heading '{link}'")
    assert not broken, "\n".join(broken)


def test_named_files_exist():
    """`path/in/backquotes` of a page is a file or folder of the tree."""
    broken = []
    for page in tree.files("docs", "README.md", suffixes={".md"}):
        for word in re.findall(r"`((?:lib|include|test|tools|python|scripts|bench|cmake|docs)/[\w./-]+)`",
                               tree.text(page)):
            if not (tree.ROOT / word).exists():
                broken.append(f"{tree.name(page)}: no '{word}'")
    assert not broken, "\n".join(broken)
