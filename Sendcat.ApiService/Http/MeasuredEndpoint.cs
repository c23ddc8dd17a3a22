namespace Sendcat.ApiService.Http;

/// <summary>An endpoint with service level objectives. Attached to its route.</summary>
/// <param name="Path">Its name in the policy.</param>
/// <param name="OnlyRefusals">The response is not the end of the request: whoever ends it records it.</param>
internal sealed record MeasuredEndpoint(string Path, bool OnlyRefusals = false)
{
    /// <summary>A turn outlives its response.</summary>
    public static readonly MeasuredEndpoint Chat = new("/api/chat", OnlyRefusals: true);

    public static readonly MeasuredEndpoint GmailPush = new("/api/gmail/push");
    public static readonly MeasuredEndpoint WhatsAppWebhook = new("/api/whatsapp/webhook");

    public static readonly IReadOnlyList<MeasuredEndpoint> All = [Chat, GmailPush, WhatsAppWebhook];
}

internal static class MeasuredRoutes
{
    public static RouteHandlerBuilder Measures(this RouteHandlerBuilder route, MeasuredEndpoint endpoint) => route.WithMetadata(endpoint);
}
