using System.Net.Mail;
using System.Text.Json;
using Sendcat.UpstreamEmulator.Rest;

namespace Sendcat.UpstreamEmulator.Resend;

/// <summary>Emulates Resend: <c>POST /resend/emails</c>. The mails go to the <see cref="MailBox"/> and to nobody else.</summary>
internal sealed class ResendUpstream(RestRequestHandler handler, MailBox box, TimeProvider clock) : IRestUpstream
{
    private const int MaxRecipients = 50;
    private const int MaxKeyLength = 256;
    private const string Route = "emails";
    private const string Bearer = "Bearer ";

    public string Name => "resend";

    public RestResponse Refuse(int status, string? message = null) => status switch
    {
        400 => Refuse(400, "validation_error", message ?? "We found an error with one or more fields in the request."),
        401 => Refuse(401, "missing_api_key", message ?? "Missing API key in the authorization header."),
        403 => Refuse(403, "invalid_api_key", message ?? "API key is invalid."),
        409 => Refuse(409, "concurrent_idempotent_requests", message ?? "Another request with this idempotency key is in progress."),
        422 => Refuse(422, "validation_error", message ?? "We found an error with one or more fields in the request."),
        429 => Refuse(429, "rate_limit_exceeded", message ?? "Too many requests."),
        _ => Refuse(status, "application_error", message ?? "An unexpected error occurred."),
    };

    public async Task ServeAsync(HttpContext http)
    {
        using var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted);
        var body = buffer.ToArray();
        var apiKey = http.Request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.Ordinal)
            ? header[Bearer.Length..]
            : "";
        var key = http.Request.Headers["Idempotency-Key"].ToString() is { Length: > 0 } given ? given : null;
        if (key is not null && !box.TryBegin(apiKey, key))
        {
            await handler.ServeAsync(http, this, Refused(Refuse(409)));
            return;
        }

        try
        {
            await handler.ServeAsync(http, this, Read(http, apiKey, key, body));
        }
        finally
        {
            if (key is not null)
            {
                box.End(apiKey, key);
            }
        }
    }

    private RestRequest Read(HttpContext http, string apiKey, string? key, byte[] body)
    {
        if (apiKey.Length == 0)
        {
            return Refused(Refuse(401));
        }

        if (!ApiKey.IsValid(apiKey))
        {
            return Refused(Refuse(403));
        }

        if (http.Request.Headers.UserAgent.Count == 0)
        {
            return Refused(Refuse(403, "validation_error", "The request has no User-Agent header."));
        }

        if (key is { Length: > MaxKeyLength })
        {
            return Refused(Refuse(400, "invalid_idempotency_key", "The idempotency key must have 1 to 256 characters."));
        }

        try
        {
            using var json = JsonDocument.Parse(body);
            var root = json.RootElement.Clone();
            return new(Route, key ?? "", null, (_, _) => Answer(root, apiKey, key, body)) { Body = root };
        }
        catch (JsonException)
        {
            return Refused(Refuse(400));
        }
    }

    private RestResponse Answer(JsonElement request, string apiKey, string? key, byte[] body)
    {
        var (from, subject) = (Text(request, "from"), Text(request, "subject"));
        var (html, text) = (Text(request, "html"), Text(request, "text"));
        var to = Recipients(request);
        if (from is null || subject is null || to.Count == 0 || (html ?? text) is null)
        {
            var missing = from is null ? "from" : to.Count == 0 ? "to" : subject is null ? "subject" : "html";
            return Refuse(422, "missing_required_field", $"Missing `{missing}` field.");
        }

        if (to.Count > MaxRecipients || to.Any(IsInvalid))
        {
            return Refuse(422, "validation_error", "Invalid `to` field.");
        }

        var mail = new ReceivedMail(
            Guid.CreateVersion7(clock.GetUtcNow()).ToString("D"), clock.GetUtcNow(), from, to, subject, html, text, key);
        return box.Accept(mail, apiKey, body) is { } id
            ? RestResponse.Of(new { id })
            : Refuse(409, "invalid_idempotent_request", "This idempotency key was used with a different request body.");
    }

    /// <summary>Text that is no mail address, and every address of a domain <c>.invalid</c>, which RFC 2606 reserves.</summary>
    private static bool IsInvalid(string address) =>
        !MailAddress.TryCreate(address, out var parsed) || parsed.Host.EndsWith(".invalid", StringComparison.OrdinalIgnoreCase);

    private static IReadOnlyList<string> Recipients(JsonElement request) =>
        request.ValueKind is not JsonValueKind.Object || !request.TryGetProperty("to", out var to) ? []
        : to.ValueKind is JsonValueKind.Array ? [.. to.EnumerateArray().Select(one => one.ToString())]
        : to.ValueKind is JsonValueKind.String ? [to.GetString()!]
        : [];

    private static string? Text(JsonElement request, string name) =>
        request.ValueKind is JsonValueKind.Object && request.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String
            ? value.GetString()
            : null;

    private static RestRequest Refused(RestResponse refusal) => new(Route, "", refusal, (_, _) => refusal);

    private static RestResponse Refuse(int status, string name, string message) =>
        RestResponse.Of(new { statusCode = status, name, message }, status);
}
