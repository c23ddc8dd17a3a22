using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Webhooks;
using Sendcat.Integrations.WhatsApp;

namespace Sendcat.ApiService.WhatsApp;

/// <summary><c>/api/whatsapp/webhook</c>: deliveries of Meta.</summary>
internal static class WebhookEndpoints
{
    private static readonly Webhook Meta = new("whatsapp", RequestBudget.WhatsAppWebhook);

    /// <summary>The challenge of Meta is a number; longer text is not repeated to anybody.</summary>
    private const int LongestChallenge = 200;

    public static void MapWebhook(this IEndpointRouteBuilder app)
    {
        var webhook = app.MapGroup("/api/whatsapp/webhook").WithTags("WhatsApp");
        webhook.MapGet("", Verify).Produces<string>(StatusCodes.Status200OK, "text/plain")
            .As("whatsapp.verify", "Verification of the address: for Meta alone", 400, 403);
        webhook.MapPost("", ReceiveAsync).Produces<string>(StatusCodes.Status200OK, "text/plain")
            .As("whatsapp.receive", "Deliveries: for Meta alone, signed with X-Hub-Signature-256", 400, 403, 413, 415, 429, 503)
            .Measures(MeasuredEndpoint.WhatsAppWebhook);
    }

    private static Results<ContentHttpResult, ApiError> Verify(HttpContext http, IOptionsMonitor<WhatsAppOptions> options)
    {
        var query = http.Request.Query;
        var token = options.CurrentValue.VerifyToken;
        if (query["hub.mode"] != "subscribe" || token.Length == 0 || query["hub.verify_token"] is not [{ } sent] || !AreEqual(sent, token))
        {
            return ApiError.Forbidden();
        }

        return query["hub.challenge"] is [{ Length: > 0 and <= LongestChallenge } challenge]
            ? TypedResults.Text(challenge)
            : ApiError.InvalidRequest("hub.challenge is missing or too long");
    }

    private static async Task<Results<ContentHttpResult, ApiError>> ReceiveAsync(
        HttpContext http, WebhookGate gate, WhatsAppInbox inbox, IOptionsMonitor<WhatsAppOptions> options)
    {
        var admitted = await gate.AdmitAsync(http, Meta, body => ValueTask.FromResult(
            WhatsAppSignature.IsValid(http.Request.Headers[WhatsAppSignature.Header], body, options.CurrentValue.AppSecret)
                ? null
                : ApiError.Forbidden()));
        if (!admitted.TryGet(out var bytes, out var refusal))
        {
            return refusal;
        }

        if (WhatsAppDelivery.Read(bytes) is not { } delivery)
        {
            return Acknowledgement.Malformed(Meta, ProblemOf(bytes));
        }

        var receipts = await inbox.ReceiveAsync(delivery, http.RequestAborted);
        return receipts.Count > 0 ? Acknowledgement.Of(http, Meta, receipts)
            : Acknowledgement.Ignored(Meta, delivery switch
            {
                { Messages.Count: > 0 } => "other_message",
                { IdChanges.Count: > 0 } => "identity_only",
                { Statuses.Count: > 0 } => "status_only",
                { Errors: > 0 } => "account_error",
                _ => "empty",
            });
    }

    private static ApiError ProblemOf(byte[] body)
    {
        var json = new ReadOnlySequence<byte>(body);
        return JsonBody.IsTooDeep(json, WhatsAppDelivery.MaxDepth) ? ApiError.JsonTooDeep(WhatsAppDelivery.MaxDepth)
            : JsonBody.IsWellFormed(new Utf8JsonReader(json)) ? ApiError.InvalidRequest("Invalid request: entry must be a list")
            : ApiError.InvalidJson();
    }

    /// <summary>Compares digests, so that the time tells neither the token nor its length.</summary>
    private static bool AreEqual(string sent, string token) =>
        CryptographicOperations.FixedTimeEquals(
            SHA256.HashData(Encoding.UTF8.GetBytes(sent)), SHA256.HashData(Encoding.UTF8.GetBytes(token)));
}
