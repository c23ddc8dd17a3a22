using Microsoft.AspNetCore.Connections;
using Microsoft.EntityFrameworkCore;
using Npgsql;
using Sendcat.Integrations.Files;
using Sendcat.Reliability.Database;

namespace Sendcat.ApiService.Http;

/// <summary>
/// Turns exceptions, and error statuses without a body, into an <see cref="ApiError"/> response that reveals no internal details.
/// </summary>
internal sealed class ErrorMiddleware(RequestDatabase database, ILogger<ErrorMiddleware> logger)
{
    /// <summary>The end of the names of all foreign keys to <c>users</c>.</summary>
    private const string UserKey = "_user_id";

    private static readonly TimeSpan StoreRetryAfter = TimeSpan.FromSeconds(1);

    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        try
        {
            await next(http);
        }
        catch (Exception) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected. 499 is the status that access logs use for this.
            if (!http.Response.HasStarted)
            {
                http.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            }

            return;
        }
        catch (Exception exception)
        {
            await WriteErrorAsync(http, exception);
            return;
        }

        if (!http.Response.HasStarted && OfEmptyStatus(http) is { } error)
        {
            await error.ExecuteAsync(http);
        }
    }

    private async Task WriteErrorAsync(HttpContext http, Exception exception)
    {
        var error = Classify(exception);
        if (error.Status == StatusCodes.Status500InternalServerError)
        {
            logger.RequestFailed(exception, http.Request.Method, RouteTemplate.Of(http));
        }
        else if (error.Reason == RefusalReason.RowsLocked)
        {
            database.Outage.Ends();
            logger.RowsLocked(exception.GetBaseException().Message, http.Request.Method, RouteTemplate.Of(http));
        }
        else if (error.Status == StatusCodes.Status503ServiceUnavailable
            && (error.Reason != RefusalReason.StoreUnavailable || !database.Outage.Records(exception)))
        {
            logger.StoreUnavailable(exception.GetBaseException().Message, http.Request.Method, RouteTemplate.Of(http));
        }

        if (http.Response.HasStarted)
        {
            // A part of the response was sent. Aborting the connection is the only way to show the client that it is incomplete.
            http.Abort();
            return;
        }

        http.Response.Headers.ContentDisposition = default;
        await error.ExecuteAsync(http);
    }

    private static ApiError Classify(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                    return ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit);
                case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                    return ApiError.UnsupportedMediaType();
                case BadHttpRequestException { StatusCode: StatusCodes.Status408RequestTimeout }:
                    return ApiError.BodyTooSlow();
                // Kestrel reports a chunk size that overflows as an IOException.
                case BadHttpRequestException or ConnectionResetException or IOException { InnerException: OverflowException }:
                    return ApiError.InvalidRequest("The request is malformed");
                // Text that passed all checks and that Postgres cannot store, such as NUL.
                case PostgresException
                {
                    SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter,
                }:
                    return ApiError.InvalidRequest("The request holds characters that cannot be stored");
                case PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation, ConstraintName: { } key }
                    when key.EndsWith(UserKey, StringComparison.Ordinal):
                    return ApiError.Unauthorized("The account does not exist any more");
                // Another request was first: it deleted the parent row, or inserted the same key.
                case PostgresException { SqlState: PostgresErrorCodes.ForeignKeyViolation or PostgresErrorCodes.UniqueViolation }
                    or DbUpdateConcurrencyException:
                    return ApiError.Conflict();
                case PostgresException conflict when PostgresFailure.IsLockConflict(conflict):
                    return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.RowsLocked);
                case NpgsqlException unavailable when PostgresFailure.IsUnavailable(unavailable):
                    return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.StoreUnavailable);
                case FileStoreException:
                    return ApiError.UpstreamUnavailable(StoreRetryAfter, RefusalReason.FilesUnavailable);
                default:
                    continue;
            }
        }

        return ApiError.Internal();
    }

    /// <summary>The error for a status that the framework set without a body; null for other responses.</summary>
    private static ApiError? OfEmptyStatus(HttpContext http) =>
        http.Response.ContentLength is not null
            || http.Response.ContentType is not null
            || http.Response.Headers.ContainsKey(ApiError.CodeHeader)
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
