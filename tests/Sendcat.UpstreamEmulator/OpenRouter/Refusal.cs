using System.Globalization;
using Sendcat.UpstreamEmulator.OpenRouter.Markers;

namespace Sendcat.UpstreamEmulator.OpenRouter;

/// <summary>Writes an error response before the first token. The HTTP status equals the error code in the body.</summary>
internal static class Refusal
{
    public static Task WriteAsync(HttpContext http, int status, string message, string? metadata = null) =>
        WriteBodyAsync(
            http,
            status,
            "application/json",
            $$$"""{"error":{"code":{{{status}}},"message":{{{Json.Quote(message)}}}{{{(metadata is null ? "" : $",\"metadata\":{metadata}")}}}}}""");

    public static Task WriteAsync(HttpContext http, Directions directions, CatalogModel model)
    {
        var status = directions.Status!.Value;
        if (directions.RetryAfterSeconds is { } seconds)
        {
            http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        var (message, type) = MessageAndType(status, model);
        message = directions.Message ?? message;
        type = directions.ErrorType ?? type;
        var metadata = status is 429 or >= 500
            ? $$"""{"provider_name":{{Json.Quote(model.Provider)}},"raw":{{Json.Quote($"{model.Id} said {status} upstream")}},"error_type":{{Json.Quote(type)}}}"""
            : $$"""{"error_type":{{Json.Quote(type)}}}""";
        return directions.Body switch
        {
            RefusalBody.Html => WriteBodyAsync(http, status, "text/html", $"<!DOCTYPE html><html><head><title>{status}</title></head><body><center><h1>{status}</h1></center><hr><center>edge</center></body></html>"),
            RefusalBody.Empty => WriteBodyAsync(http, status, null, ""),
            RefusalBody.BadJson => WriteBodyAsync(http, status, "application/json", $$"""{"error":{"code":{{status}},"mess"""),
            _ => WriteAsync(http, status, message, metadata),
        };
    }

    /// <summary>OpenRouter's message and canonical <c>error_type</c> for a status.</summary>
    public static (string Message, string Type) MessageAndType(int status, CatalogModel model) => status switch
    {
        400 => ("Provider returned error", "invalid_request"),
        401 => ("User not found.", "authentication"),
        402 => ("Insufficient credits. Add more using https://openrouter.ai/settings/credits", "payment_required"),
        403 => ("This request was flagged by moderation", "content_policy_violation"),
        404 => ($"No endpoints found for {model.Id}.", "not_found"),
        408 => ("The request timed out", "timeout"),
        413 => ("The request is too large", "invalid_request"),
        422 => ("The request could not be processed", "invalid_request"),
        429 => ("Provider returned error", "rate_limit_exceeded"),
        500 => ("Internal Server Error", "server"),
        502 => ("Provider returned error", "provider_unavailable"),
        503 => ("No instances available", "provider_overloaded"),
        524 => ("Provider timed out", "timeout"),
        529 => ("Provider overloaded", "provider_overloaded"),
        _ => ("Provider returned error", "unmapped"),
    };

    private static Task WriteBodyAsync(HttpContext http, int status, string? type, string body)
    {
        http.Response.StatusCode = status;
        if (body.Length == 0)
        {
            return Task.CompletedTask;
        }

        http.Response.ContentType = type;
        return http.Response.WriteAsync(body, http.RequestAborted);
    }
}
