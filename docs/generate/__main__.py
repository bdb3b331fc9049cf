"""`python -m generate`: writes every generated reference page, and names the pages that changed."""

from generate.pages import stale_pages, write_pages

if __name__ == "__main__":
    for name in stale_pages():
        print(f"docs/reference/{name}: renewed")
    write_pages()
