using System.Buffers;
using Sendcat.ApiService.Http;

namespace Sendcat.ApiService.Webhooks;

/// <summary>
/// The guards of every webhook, in this order: slots of the address, size, media type, authentication, and the limit of deliveries of the
/// address that fail it. An authentic delivery is never refused for rate or depth, since its sender would deliver it again for days.
/// </summary>
internal sealed class WebhookGate(FloodGuard flood, RequestLimits limits, ILogger<WebhookGate> logger)
{
    /// <summary>Largest body in bytes, with a <c>Content-Length</c> or in chunks.</summary>
    public const int MaxBytes = 262_144;

    /// <summary>Reads the body of a delivery and authenticates it.</summary>
    /// <param name="http">The request.</param>
    /// <param name="webhook">Who delivers.</param>
    /// <param name="authenticate">
    /// Gets the bytes as they were sent. Null: the delivery is authentic. A refusal with 403 is counted for the address; others, such as a
    /// key server that is away, are not.
    /// </param>
    /// <returns>The bytes; else 413, 415, 403, or 429 beyond the limit of the address.</returns>
    public async ValueTask<Outcome<byte[]>> AdmitAsync(HttpContext http, Webhook webhook, Func<byte[], ValueTask<ApiError?>> authenticate)
    {
        using var slot = await flood.EnterAsync(http);
        if (http.Request.ContentLength > MaxBytes)
        {
            return Refused(webhook, ApiError.PayloadTooLarge(MaxBytes));
        }

        if (!JsonBody.IsJson(http.Request.ContentType))
        {
            return Refused(webhook, ApiError.UnsupportedMediaType());
        }

        if (await ReadAsync(http) is not { } body)
        {
            return Refused(webhook, ApiError.PayloadTooLarge(MaxBytes));
        }

        if (await authenticate(body) is not { } refusal)
        {
            return body;
        }

        if (refusal.Status != StatusCodes.Status403Forbidden)
        {
            return Refused(webhook, refusal);
        }

        if (await limits.AddressRefusalAsync(http, webhook.Budget) is { } limited)
        {
            // The limiter has recorded its event. Nothing is logged, so that a flood does not flood the log.
            return Refused(webhook, limited);
        }

        logger.DeliveryNotAuthentic(webhook.Name, ClientAddress.KeyOf(http));
        return Refused(webhook, refusal);
    }

    private static ApiError Refused(Webhook webhook, ApiError refusal)
    {
        WebhookMetrics.Delivered(webhook, refusal.Code);
        return refusal;
    }

    /// <returns>Null: the body is too large.</returns>
    private static async ValueTask<byte[]?> ReadAsync(HttpContext http)
    {
        var reader = http.Request.BodyReader;
        while (true)
        {
            var read = await JsonBody.ReadAsync(http, reader, http.RequestAborted);
            if (read.Buffer.Length > MaxBytes)
            {
                reader.AdvanceTo(read.Buffer.End);
                return null;
            }

            if (read.IsCompleted)
            {
                var body = read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return body;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
