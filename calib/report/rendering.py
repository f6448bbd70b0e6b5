"""Pages from templates: what is not marked as made by calib is escaped."""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["rendered"]


@cache
def _environment(package: str, folder: str) -> Any:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder), autoescape=True, trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip


def rendered(package: str, template: str, **values: Any) -> str:
    """Return a template with its values, every text in them escaped but :class:`markupsafe.Markup`.

    Parameters
    ----------
    package : the package that ships the template
    template : its path there, ``assets/page.html.jinja``
    """
    folder, _, name = template.rpartition("/")
    text: str = _environment(package, folder).get_template(name).render(values)
    return text
