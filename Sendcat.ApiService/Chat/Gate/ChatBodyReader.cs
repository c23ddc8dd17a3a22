using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using Sendcat.ApiService.Http;
using Sendcat.ApiService.Identity;

namespace Sendcat.ApiService.Chat.Gate;

/// <summary>
/// Reads the body of a chat request. It checks media type, size and JSON, in this order, and holds at most the last user message of a long
/// one.
/// </summary>
internal static class ChatBodyReader
{
    /// <summary>
    /// Maximum bytes of the JSON of the last user message: 10 MiB of files as base64, a text of 64 KiB with escapes, and the properties
    /// around them.
    /// </summary>
    public const int MaxMessageBytes = (10 * 1024 * 1024 * 4 / 3) + (1024 * 1024);

    /// <summary>
    /// The most levels of nested objects and arrays in a body. The history contains outputs of tools, which may be nested deeper than an
    /// ordinary body; they are skipped over without recursion.
    /// </summary>
    public const int MaxDepth = 1_000;

    private static readonly TimeSpan LargeRetryAfter = TimeSpan.FromSeconds(1);

    private const string LargeSenders = "Too many large messages are being sent";

    // The session in the body is read after the message, too late to distinguish the senders.
    private const string UnidentifiedSenders =
        $"Too many large messages are being sent without a token, a cookie or the header {AnonymousSessions.Header}";

    /// <summary>
    /// A body of at most 64 KiB is parsed as a whole. A longer one must have the <c>useChat</c> shape: it is reduced to its last user
    /// message while it is read.
    /// </summary>
    /// <param name="http">The request.</param>
    /// <param name="maxUiBytes">Maximum bytes of a body in <c>useChat</c> shape. Other bodies have the ordinary limit.</param>
    /// <param name="large">The slots for large messages.</param>
    /// <param name="principals">Identifies the caller of a large message by its headers and cookies.</param>
    public static async ValueTask<Outcome<ChatBody>> ReadAsync(
        HttpContext http, int maxUiBytes, LargeMessages large, Principals principals)
    {
        if (!JsonBody.IsJson(http.Request.ContentType))
        {
            return ApiError.UnsupportedMediaType();
        }

        if (http.Request.ContentLength > maxUiBytes)
        {
            return ApiError.PayloadTooLarge(maxUiBytes);
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            // Beyond the limit that is checked below, so that its refusal can be read, see UnreadBody.
            size.MaxRequestBodySize = maxUiBytes + ServerLimits.MaxBodyBytes;
        }

        var reader = http.Request.BodyReader;
        var read = await JsonBody.ReadAsync(http, reader, http.RequestAborted);
        while (!read.IsCompleted && read.Buffer.Length <= JsonBody.OrdinaryLimit)
        {
            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            read = await JsonBody.ReadAsync(http, reader, http.RequestAborted);
        }

        if (read.Buffer.Length > JsonBody.OrdinaryLimit)
        {
            return await ReduceAsync(http, read, maxUiBytes, large, principals);
        }

        var outcome = JsonBody.Parse(read.Buffer, ChatJson.Default.ChatBody, out _, MaxDepth);
        reader.AdvanceTo(read.Buffer.End);
        return outcome;
    }

    /// <summary>Whether a body has the <c>useChat</c> shape.</summary>
    public static bool IsUi(ChatBody body) =>
        body.ThreadId is null && (body.Messages is not null || body.Message is { ValueKind: not JsonValueKind.String });

    private static async ValueTask<Outcome<ChatBody>> ReduceAsync(
        HttpContext http, ReadResult read, int maxUiBytes, LargeMessages large, Principals principals)
    {
        var reader = http.Request.BodyReader;
        var reducer = new UiBodyReducer(MaxMessageBytes);
        var total = 0L;
        LargeMessages.Slot? slot = null;
        try
        {
            while (true)
            {
                total += read.Buffer.Length;
                var error = total > maxUiBytes ? ApiError.PayloadTooLarge(maxUiBytes) : Add(reducer, read.Buffer);
                if (error is null && slot is null && reducer.HeldBytes > LargeMessages.LeastBytes)
                {
                    var sender = principals.Read(http).TryGet(out var principal, out _) ? principal : null;
                    slot = large.TryTake(sender, ClientAddress.LimitKeysOf(http));
                    error = slot is not null
                        ? null
                        : ApiError.UpstreamUnavailable(
                            LargeRetryAfter, RefusalReason.LargeMessages, sender is null ? UnidentifiedSenders : LargeSenders);
                }

                reader.AdvanceTo(read.Buffer.End);
                if (error is not null || (read.IsCompleted && (error = reducer.Complete()) is not null))
                {
                    return error;
                }

                if (read.IsCompleted)
                {
                    break;
                }

                if (slot is null)
                {
                    read = await JsonBody.ReadAsync(http, reader, http.RequestAborted);
                }
                else if (await slot.ReadAsync(http, reader) is { } next)
                {
                    read = next;
                }
                else
                {
                    return ApiError.BodyTooSlow();
                }
            }

            var reduced = new ReadOnlySequence<byte>(reducer.Reduced);
            var outcome = JsonBody.Parse(reduced, ChatJson.Default.ChatBody, out var body, MaxDepth);
            return body is not null && IsUi(body) ? outcome
                : body is null && JsonBody.IsTooDeep(reduced, MaxDepth) ? ApiError.JsonTooDeep(MaxDepth)
                : ApiError.PayloadTooLarge(JsonBody.OrdinaryLimit);
        }
        finally
        {
            slot?.Dispose();
        }
    }

    private static ApiError? Add(UiBodyReducer reducer, ReadOnlySequence<byte> bytes)
    {
        foreach (var segment in bytes)
        {
            if (reducer.Add(segment.Span) is { } error)
            {
                return error;
            }
        }

        return null;
    }
}
