using System.Globalization;
using System.Text;

namespace Sendcat.ApiService.Http;

/// <summary>An error response as a value. Clients branch on the code, never on the text.</summary>
/// <remarks>
/// As an <see cref="IResult"/> it writes plain text, the headers <c>x-sendcat-error-code</c> and <c>x-sendcat-error-reason</c>, and
/// <c>Retry-After</c> in whole seconds. On endpoints of <see cref="FunctionErrors"/> the text begins with <c>[code:function]</c>.
/// </remarks>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">The error code for programs.</param>
/// <param name="Message">The text for people.</param>
/// <param name="RetryAfter">The time after which the request may be repeated; null: no <c>Retry-After</c>.</param>
internal sealed record ApiError(int Status, string Code, string Message, TimeSpan? RetryAfter = null) : IResult
{
    public const string CodeHeader = "x-sendcat-error-code";
    public const string ReasonHeader = "x-sendcat-error-reason";

    /// <summary>
    /// What refused, where one code has several causes, for programs: a value of <see cref="RefusalReason"/>, a reason of admission, or the
    /// name of a limit. Null: the code says it all.
    /// </summary>
    public string? Reason { get; init; }

    public static ApiError MethodNotAllowed() => new(405, "method_not_allowed", "Method not allowed");

    public static ApiError Unauthorized(string message = "Sign in or send a session id") => new(401, "unauthorized", message);

    public static ApiError Forbidden(string message = "Forbidden") => new(403, "forbidden", message);

    public static ApiError NotFound(string message = "Not found") => new(404, "not_found", message);

    /// <summary>
    /// A feature that the operator has not set up, such as sign-in with Google. What every deployment needs is <see cref="Misconfigured"/>.
    /// </summary>
    /// <param name="feature">The subject of the sentence for people.</param>
    public static ApiError NotConfigured(string feature) =>
        NotFound($"{feature} is not set up here") with { Reason = RefusalReason.NotConfigured };

    /// <param name="what">
    /// A sentence that names the exceeded quota, without its period, for instance <c>The thread has as many messages as it may have</c>.
    /// </param>
    /// <param name="reason">The quota: a value of <see cref="RefusalReason"/>.</param>
    public static ApiError QuotaExceeded(string what, string reason) =>
        new(409, "quota_exceeded", $"{what}. Delete something first.") { Reason = reason };

    /// <summary>Another request changed or deleted the same rows at the same time, and was first.</summary>
    public static ApiError Conflict(string message = "What this belongs to was changed or deleted meanwhile") =>
        new(409, "conflict", message);

    public static ApiError UnsupportedMediaType(string message = "Content-Type must be application/json") =>
        new(415, "unsupported_media_type", message);

    /// <param name="what">What is too long, as the beginning of the sentence.</param>
    public static ApiError PayloadTooLarge(int limitBytes, string what = "The body") =>
        new(413, "payload_too_large", $"{what} may have at most {limitBytes} bytes");

    public static ApiError BodyTooSlow() => new(408, "invalid_request", "The body came too slowly");

    public static ApiError InvalidJson() => new(400, "invalid_json", "The body is not valid JSON");

    public static ApiError JsonTooDeep(int levels) =>
        new(400, "invalid_json", $"The JSON of the body may be nested at most {levels} levels deep");

    public static ApiError InvalidRequest(string message) => new(400, "invalid_request", message);

    /// <param name="reason">See <see cref="Reason"/>.</param>
    /// <param name="because">The sentence for people, without its period.</param>
    public static ApiError RateLimited(TimeSpan retryAfter, string reason, string because = "Too many requests") =>
        new(
            429, "rate_limited", $"{because}. Try again in {Seconds(retryAfter)} {(Seconds(retryAfter) == 1 ? "second" : "seconds")}.",
            retryAfter)
        {
            Reason = reason,
        };

    /// <inheritdoc cref="RateLimited"/>
    public static ApiError UpstreamUnavailable(TimeSpan retryAfter, string reason, string because = "The service is busy") =>
        new(503, "upstream_unavailable", $"{because}. Try again in a moment.", retryAfter) { Reason = reason };

    public static ApiError Misconfigured(string message) => new(500, "misconfigured", message);

    public static ApiError Internal() => new(500, "internal_error", "Something went wrong");

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        var body = Encoding.UTF8.GetBytes(FunctionErrors.Text(this, httpContext));
        response.StatusCode = Status;
        response.ContentType = "text/plain; charset=utf-8";
        response.ContentLength = body.Length;
        response.Headers[CodeHeader] = Code;
        if (Reason is not null)
        {
            response.Headers[ReasonHeader] = Reason;
        }

        response.Headers.CacheControl = "no-store";
        if (RetryAfter is { } wait)
        {
            response.Headers.RetryAfter = Seconds(wait).ToString(CultureInfo.InvariantCulture);
        }

        if (!HttpMethods.IsHead(httpContext.Request.Method))
        {
            await response.Body.WriteAsync(body, httpContext.RequestAborted);
        }
    }

    /// <summary>Whole seconds for <c>Retry-After</c>: rounded up, at least one.</summary>
    public static int Seconds(TimeSpan retryAfter) => Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds));
}
