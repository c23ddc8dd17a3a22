using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Sendcat.ApiService.Database;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Webhooks;
using Sendcat.Integrations.Mail;
using Sendcat.Reliability.Idempotency;

namespace Sendcat.ApiService.Mail.Resend;

/// <summary><c>/api/resend/webhook</c>: what became of the mails that Resend sent.</summary>
internal static class ResendEndpoints
{
    private static readonly Webhook Resend = new("resend", RequestBudget.ResendWebhook);

    /// <summary>Resend delivers for about ten hours.</summary>
    private static readonly InboxScope Scope = new("resend_event", TimeSpan.FromDays(3));

    public static void MapResend(this IEndpointRouteBuilder app) =>
        app.MapGroup("/api/resend/webhook").WithTags("Mail").MapPost("", ReceiveAsync)
            .Produces<string>(StatusCodes.Status200OK, "text/plain")
            .As("resend.receive", "What became of sent mails: for Resend alone, signed as Standard Webhooks", 400, 403, 413, 415, 429, 503);

    private static async Task<Results<ContentHttpResult, ApiError>> ReceiveAsync(
        HttpContext http, WebhookGate gate, WebhookInbox inbox, IOptionsMonitor<ResendWebhookOptions> options, TimeProvider time)
    {
        var headers = http.Request.Headers;
        var admitted = await gate.AdmitAsync(
            http, Resend,
            body => ValueTask.FromResult(
                ResendSignature.IsValid(headers, body, options.CurrentValue.Secret) ? null : ApiError.Forbidden()));
        if (!admitted.TryGet(out var bytes, out var refusal))
        {
            return refusal;
        }

        if (ResendEvent.Read(bytes) is not { } reported)
        {
            return Acknowledgement.Malformed(Resend, ProblemOf(bytes));
        }

        if (reported.Outcome is not { } outcome || reported.Recipients.Count == 0)
        {
            return Acknowledgement.Ignored(Resend, "other_event");
        }

        // A report cannot be newer than its arrival, whatever its clock says.
        var now = time.Now();
        var at = reported.At < now ? reported.At : now;
        var receipt = await inbox.ReceiveAsync(
            Scope,
            ResendSignature.IdOf(headers),
            connection => UndeliverableAddresses.StoreAsync(connection.CreateCommand, reported.Recipients, outcome, at),
            http.RequestAborted);
        return Acknowledgement.Of(http, Resend, receipt);
    }

    private static ApiError ProblemOf(byte[] body)
    {
        var json = new ReadOnlySequence<byte>(body);
        return JsonBody.IsTooDeep(json, ResendEvent.MaxDepth) ? ApiError.JsonTooDeep(ResendEvent.MaxDepth)
            : JsonBody.IsWellFormed(new Utf8JsonReader(json)) ? ApiError.InvalidRequest("Invalid request: type must be text")
            : ApiError.InvalidJson();
    }
}
