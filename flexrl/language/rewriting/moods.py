"""Tell questions and statements apart from commands."""

import re


def flags(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that ignores upper and lower case."""
    return re.compile(pattern, re.IGNORECASE)


_QUESTION = flags(
    r"^\W*(?:what|who|whom|whose|why|where|which|how(?! about)|when (?:did|do|does|is|was|will|are)|did|does"
    r"|do you|is|are|was|were|has|have you|had|will it|can (?:robots?|i|we|he|she|they|people)|should i|am i"
    r"|shall i|define|explain|tell|describe|calculate)\b(?!'s (?:have|go))"
)
_STATEMENT = flags(
    r"^\W*(?:(?:i|we|they|he|she|it|you|nobody|someone|everyone|that|this|there|(?:the|my|your|our|a|his|her) "
    r"\w+)(?:'s|'re|'m|'ve)? (?:just |never |always |already |also |\w+ly )?"
    r"(?:was|were|is|are|am|had|has|have|did|(?!need|speed|(?:followed|preceded) by)\w{2,}ed|ran|went|fell|stood"
    r"|spun|leapt|hate|love|hates|loves|like|likes|know|think|thinks|came|took|made|got|left)\b"
    r"|(?:i|i'm|he's|she's|it's|they're|we're) \w+ing\b)"
)


def asks_or_states(text: str) -> str | None:
    """Return the words by which a text asks a question or states a fact, or None if it tells to do something."""
    match = _QUESTION.match(text) or _STATEMENT.match(text)
    return match[0].strip() if match else None
