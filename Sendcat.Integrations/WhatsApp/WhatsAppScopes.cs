using Sendcat.Reliability.Idempotency;

namespace Sendcat.Integrations.WhatsApp;

/// <summary>The scopes of the inbox for WhatsApp.</summary>
public static class WhatsAppScopes
{
    /// <summary>Messages, by Meta's id of the message. Meta delivers for up to seven days.</summary>
    public static readonly InboxScope Message = new("whatsapp_message", TimeSpan.FromDays(7));
}
