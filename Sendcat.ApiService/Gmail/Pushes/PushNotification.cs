using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text.Json;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity.SignIns;
using Sendcat.Reliability.Outbound;

namespace Sendcat.ApiService.Gmail.Pushes;

/// <summary>A notification that a mailbox has changed.</summary>
/// <param name="Email">The normalized address of the mailbox.</param>
/// <param name="HistoryId">Where its history is.</param>
internal sealed record PushNotification(string Email, long HistoryId)
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16 };

    /// <summary>
    /// Reads the envelope of Pub/Sub: <c>message.data</c> is JSON in Base64, of either alphabet and with or without padding. The history id
    /// is a number or a text.
    /// </summary>
    /// <returns>The notification; 400 for anything else.</returns>
    public static Outcome<PushNotification> Read(byte[] body)
    {
        try
        {
            using var envelope = JsonDocument.Parse(body, Options);
            return envelope.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetPart("message", out var message) && message.ValueKind is JsonValueKind.Object
                && message.TryGetPart("data", out var data) && data.ValueKind is JsonValueKind.String
                && Decode(data) is { } payload && Payload(payload) is { } notification
                    ? notification
                    : ApiError.InvalidRequest("message.data must be a notification of Gmail");
        }
        catch (JsonException)
        {
            return ApiError.InvalidJson();
        }
    }

    private static PushNotification? Payload(byte[] json)
    {
        try
        {
            using var payload = JsonDocument.Parse(json, Options);
            return payload.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetPart("emailAddress", out var address) && address.ValueKind is JsonValueKind.String
                && root.TryGetPart("historyId", out var history)
                && Text(address) is { } email && EmailAddress.IsPlausible(email) && HistoryIdOf(history) is { } id
                    ? new(email.ToLowerInvariant(), id)
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static long? HistoryIdOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Number => element.TryGetInt64(out var number) && number > 0 ? number : null,
        JsonValueKind.String => long.TryParse(Text(element), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0
            ? number
            : null,
        _ => null,
    };

    private static byte[]? Decode(JsonElement data)
    {
        if (Text(data) is not { Length: > 0 } text)
        {
            return null;
        }

        var url = text.TrimEnd('=').Replace('+', '-').Replace('/', '_');
        var bytes = new byte[Base64Url.GetMaxDecodedLength(url.Length)];
        return Base64Url.DecodeFromChars(url, bytes, out _, out var length) is OperationStatus.Done ? bytes[..length] : null;
    }

    /// <returns>Null for a text with lone surrogates, which JSON can write and .NET does not read.</returns>
    private static string? Text(JsonElement element)
    {
        try
        {
            return element.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
