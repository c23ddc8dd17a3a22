using Microsoft.AspNetCore.Connections;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Sendcat.ApiService.Http;

/// <summary>The last net: whatever went wrong below becomes a classified answer, without a word about our insides.</summary>
internal sealed class Faults(ILogger<Faults> logger)
{
    private static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await next(http);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to be told. 499 is what access logs call it.
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }

            return;
        }
        catch (Exception fault)
        {
            await AnswerAsync(http, fault);
            return;
        }

        if (!http.Response.HasStarted && OfEmptyStatus(http) is { } error)
        {
            await error.ExecuteAsync(http);
        }
    }

    private async Task AnswerAsync(HttpContext http, Exception fault)
    {
        var error = Classify(fault);
        if (error.Status == StatusCodes.Status500InternalServerError)
        {
            logger.RequestFailed(fault, http.Request.Method, RouteTemplate.Of(http));
        }
        else if (error.Status == StatusCodes.Status503ServiceUnavailable)
        {
            logger.StoreAway(fault.GetBaseException().Message, http.Request.Method, RouteTemplate.Of(http));
        }

        if (http.Response.HasStarted)
        {
            // The only honest end of half an answer is a broken one.
            http.Abort();
            return;
        }

        http.Response.Headers.ContentDisposition = default;
        await error.ExecuteAsync(http);
    }

    private static ApiError Classify(Exception fault)
    {
        for (var cause = fault; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                    return ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit);
                case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                    return ApiError.UnsupportedMediaType();
                case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                    return ApiError.InvalidRequest("The body came too slowly") with { Status = StatusCodes.Status408RequestTimeout };
                // Kestrel reports a chunk size that no number holds as an IOException.
                case BadHttpRequestException or ConnectionResetException or IOException { InnerException: OverflowException }:
                    return ApiError.InvalidRequest("The request is malformed");
                // Text that got past a check and that Postgres has no characters for, NUL above all.
                case PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter }:
                    return ApiError.InvalidRequest("The request holds characters that cannot be stored");
                // Somebody else was quicker: deleted what this belongs to, or made the same.
                case PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.UniqueViolation } or DbUpdateConcurrencyException:
                    return ApiError.Conflict();
                case NpgsqlException { IsTransient: true }:
                    return ApiError.UpstreamUnavailable(StoreRetryAfter);
                default:
                    continue;
            }
        }

        return ApiError.Internal();
    }

    /// <summary>Statuses that the framework set and left without a body.</summary>
    private static ApiError? OfEmptyStatus(HttpContext http) =>
        http.Response.ContentLength is not null || http.Response.ContentType is not null || http.Response.Headers.ContainsKey(ApiError.CodeHeader)
            ? null
            : http.Response.StatusCode switch
            {
                StatusCodes.Status400BadRequest => ApiError.InvalidRequest("The request is malformed"),
                StatusCodes.Status404NotFound => ApiError.NotFound(),
                StatusCodes.Status405MethodNotAllowed => ApiError.MethodNotAllowed(),
                StatusCodes.Status413PayloadTooLarge => ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit),
                StatusCodes.Status415UnsupportedMediaType => ApiError.UnsupportedMediaType(),
                _ => null,
            };
}
