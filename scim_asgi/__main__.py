"""`python -m scim_asgi` is `scim-asgi`."""

from scim_asgi.cli import main

if __name__ == "__main__":
    main(prog_name="scim-asgi")
