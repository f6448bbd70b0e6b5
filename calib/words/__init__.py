"""Words: every sentence that a user reads, by key, in the languages of ``calib/locale``."""

from calib.words.catalogue import languages, template
from calib.words.language import current_language, resolve_language, set_language, speaking
from calib.words.message import Message, Text, is_text, joined, message, say
from calib.words.name import Label, Name

__all__ = [
    "Label",
    "Message",
    "Name",
    "Text",
    "current_language",
    "is_text",
    "joined",
    "languages",
    "message",
    "resolve_language",
    "say",
    "set_language",
    "speaking",
    "template",
]
