"""What an event says to a person: a short text for each type, with the products and the channel that it names."""

from collections.abc import Mapping

from features.events import EVENT_TYPES
from serving.console.words import Words, msgid
from serving.reports.visitor_schemas import SeenEvent

TEXTS: Mapping[str, str] = {
    "products_searched": msgid("Searched for “{query}”"),
    "product_list_viewed": msgid("Looked at the list {category}"),
    "product_list_filtered": msgid("Filtered the list {category}"),
    "product_clicked": msgid("Clicked {items}"),
    "product_viewed": msgid("Looked at {items}"),
    "product_added": msgid("Put into the cart: {items}"),
    "product_removed": msgid("Took out of the cart: {items}"),
    "cart_viewed": msgid("Looked at the cart"),
    "checkout_started": msgid("Began the checkout"),
    "checkout_step_viewed": msgid("Saw a step of the checkout"),
    "checkout_step_completed": msgid("Completed a step of the checkout"),
    "order_completed": msgid("Ordered {items}"),
    "order_updated": msgid("The order {order} was changed"),
    "order_refunded": msgid("The order {order} was refunded: {items}"),
    "order_cancelled": msgid("The order {order} was cancelled"),
    "product_added_to_wishlist": msgid("Wished for {items}"),
    "product_removed_from_wishlist": msgid("Wishes no longer for {items}"),
    "product_reviewed": msgid("Reviewed {items}"),
    "product_shared": msgid("Shared {items}"),
    "email_delivered": msgid("A mail arrived"),
    "email_opened": msgid("Opened a mail"),
    "email_link_clicked": msgid("Clicked in a mail"),
    "email_bounced": msgid("A mail did not arrive"),
    "email_marked_as_spam": msgid("Marked a mail as spam"),
    "unsubscribed": msgid("Unsubscribed from {channel}"),
    "push_notification_received": msgid("A push notification arrived"),
    "push_notification_tapped": msgid("Tapped a push notification"),
    "push_notification_bounced": msgid("A push notification did not arrive"),
    "message_sent": msgid("A message was sent by {channel}"),
    "message_delivered": msgid("A message arrived by {channel}"),
    "message_opened": msgid("Opened a message, {channel}"),
    "message_clicked": msgid("Clicked in a message, {channel}"),
    "message_bounced": msgid("A message did not arrive by {channel}"),
    "message_marked_as_spam": msgid("Complained about a message, {channel}"),
    "message_converted": msgid("A tool claims that a message sold something"),
    "consent_changed": msgid("Consent for {channel}, {purpose}: {consent}"),
    "recommendation_viewed": msgid("Saw recommendations"),
    "recommendation_clicked": msgid("Clicked a recommendation: {items}"),
    "restock_feedback": msgid("Said of a prepared cart: {feedback}"),
    "identified": msgid("Signed in"),
    "aliased": msgid("Two ids were joined"),
    "page_viewed": msgid("Opened a page"),
    "screen_viewed": msgid("Opened a screen of the app"),
    "grouped": msgid("Joined an account"),
}

_WORDS: Mapping[str, str] = {
    "granted": msgid("granted"),
    "withdrawn": msgid("withdrawn"),
    "ordered": msgid("ordered"),
    "edited": msgid("another quantity"),
    "rejected": msgid("rejected"),
}
_SHOWN = 3


def event_text(words: Words, event: SeenEvent) -> str:
    """One event in words; a type that has none here is told by its name."""
    named = [one.title or one.item_id for one in event.items[:_SHOWN]]
    more = len(event.items) - len(named)
    items = ", ".join(named) + (words(" and {n} more", n=more) if more > 0 else "")
    text = TEXTS.get(event.type)
    if text is None:
        return EVENT_TYPES[event.type].segment if event.type in EVENT_TYPES else event.type
    return words(
        text,
        items=items or words("a product"),
        query=event.query or "",
        category=event.category or "",
        order=event.order_id or "",
        channel=event.channel or words("every channel"),
        purpose=event.purpose or words("every purpose"),
        consent=_said(words, event.consent),
        feedback=_said(words, event.feedback),
    ).strip()


def _said(words: Words, told: str | None) -> str:
    text = _WORDS.get(told or "")
    return words(text) if text else told or ""
