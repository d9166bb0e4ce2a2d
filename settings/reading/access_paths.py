"""Translates regular expressions of paths into the paths of Cloudflare Access."""

import re

EXPECTED = "one that Access can have too: '^/x/', '^/x', '^/x$' or '^/x(?:/|$)', of letters, digits, '_', '-', '~' and '\\.'"
_CHARACTER = r"(?:[A-Za-z0-9_~-]|\\[.]|\[[.]\])"
_PATH = re.compile(rf"(?:\(\?i\))?\^((?:/{_CHARACTER}+)+)(/|\$|\((?:\?:)?(?:/\|\$|\$\|/)\)|)")
_UNCLEAN = re.compile(r"/[.]{1,2}(?:/|$)")


def translate_path(path: str) -> tuple[str, bool] | None:
    """Gives the path as Access writes it, which begins with '/', and whether Access takes what lies below it too, unlike the expression.

    `None` where Access has none. It compares letters by case, or not: which of both only decides who asks for a login, since
    cloudflared asks for the token by the expression itself.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    plain = found[1].replace("\\.", ".").replace("[.]", ".")
    if _UNCLEAN.search(plain):
        return None
    match found[2]:
        case "/":
            return f"{plain}/*", False
        case "":
            return f"{plain}*", False
        case end:
            # An application for a path is one for all below it that have none of their own.
            return plain, end == "$"
