using System.Text.Json;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Threads;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Chat.Engine;

/// <summary>
/// The messages that are sent to the model: the thread's history, repaired and truncated to the limits, and the messages that the turn
/// adds.
/// </summary>
internal sealed class Conversation
{
    private const string Interrupted = "The tool call was interrupted before it had a result.";

    private readonly List<ProviderMessage> _messages;

    private Conversation(List<ProviderMessage> messages) => _messages = messages;

    public IReadOnlyList<ProviderMessage> Messages => _messages;

    /// <summary>Characters of the contents of all messages.</summary>
    public int Characters => _messages.Sum(message => message.Content?.Length ?? 0);

    /// <param name="history">The oldest message first.</param>
    public static Conversation From(IReadOnlyList<HistoryMessage> history, ChatOptions limits) =>
        new(WithinByteLimit(Repaired([.. Newest(history, limits)])));

    public void AddToolCalls(string text, IReadOnlyList<ProviderToolCall> calls, string? reasoningDetailsJson) =>
        _messages.Add(new ProviderMessage("assistant", text.Length == 0 ? null : text)
        {
            ToolCalls = Valid(calls), ReasoningDetailsJson = reasoningDetailsJson,
        });

    public void AddToolResult(ProviderToolCall call, string text) =>
        _messages.Add(new ProviderMessage("tool", text) { ToolCallId = call.Id, Name = call.Name });

    private static IEnumerable<HistoryMessage> Newest(IReadOnlyList<HistoryMessage> history, ChatOptions limits)
    {
        var characters = 0L;
        var newest = new List<HistoryMessage>();
        for (var i = history.Count - 1; i >= 0 && history.Count - i <= limits.HistoryMaxMessages; i--)
        {
            var message = history[i].ProductsJson is null ? history[i] : history[i] with { Content = WithProducts(history[i]) };
            characters += message.Content.Length + (message.ToolCallsJson?.Length ?? 0);
            if (characters > limits.HistoryMaxChars && newest.Count > 0)
            {
                break;
            }

            // Attachments count as the text that they are in the request. The newest message always keeps its attachments; an older message
            // is sent without them if they do not fit.
            if (message.AttachmentsJson is { } attachments && newest.Count > 0)
            {
                var fits = characters + attachments.Length <= limits.HistoryMaxChars;
                characters += fits ? attachments.Length : 0;
                message = fits ? message : message with { FilesDoNotFit = true };
            }

            newest.Add(message);
        }

        newest.Reverse();
        return newest;
    }

    /// <summary>
    /// Repairs the history for strict providers: every tool call gets a result, and results without a call, empty answers and unknown roles
    /// are removed.
    /// </summary>
    private static List<ProviderMessage> Repaired(List<HistoryMessage> history)
    {
        var repaired = new List<ProviderMessage>(history.Count);
        for (var i = 0; i < history.Count; i++)
        {
            var message = history[i];
            switch (message.Role)
            {
                case "user":
                    repaired.Add(new ProviderMessage("user", message.Content) { Attachments = FilesOf(message) });
                    break;
                case "assistant" when message.ToolCallsJson is not null:
                    var calls = ToolCallsJson.Read(message.ToolCallsJson);
                    repaired.Add(new ProviderMessage("assistant", message.Content.Length == 0 ? null : message.Content)
                    {
                        ToolCalls = Valid(calls),
                    });
                    var results = history.Skip(i + 1).TakeWhile(next => next.Role == "tool")
                        .ToLookup(next => next.ToolCallId, StringComparer.Ordinal);
                    repaired.AddRange(calls.Select(call =>
                        new ProviderMessage("tool", results[call.Id].FirstOrDefault()?.Content ?? Interrupted)
                        {
                            ToolCallId = call.Id, Name = call.Name,
                        }));
                    break;
                case "assistant" when message.Content.Length > 0:
                    repaired.Add(new ProviderMessage("assistant", message.Content));
                    break;
                default:
                    // Results were added with their calls; results without a call, empty answers and unknown roles are left out.
                    break;
            }
        }

        return repaired;
    }

    /// <summary>
    /// A strict provider rejects arguments that are not a JSON object, as those of an interrupted call. The result of the call says what
    /// was wrong.
    /// </summary>
    private static IReadOnlyList<ProviderToolCall> Valid(IReadOnlyList<ProviderToolCall> calls) =>
        [.. calls.Select(call => JsonShape.IsObject(call.ArgumentsJson) ? call : call with { ArgumentsJson = "{}" })];

    private static string WithProducts(HistoryMessage message) =>
        message.ProductsJson is { } products
            ? ShownProducts.After(message.Content, JsonSerializer.Deserialize(products, ToolJson.Default.IReadOnlyListProduct) ?? [])
            : message.Content;

    private static IReadOnlyList<ProviderAttachment> FilesOf(HistoryMessage message) =>
        [.. MessageAttachment.Read(message.AttachmentsJson).Select(file => FileOf(message, file))];

    private static ProviderAttachment FileOf(HistoryMessage message, MessageAttachment file)
    {
        Guid? id = Guid.TryParseExact(file.StorageId, "D", out var parsed) ? parsed : null;
        return new(file.Url, file.Type ?? MediaType.Pdf, file.Name ?? "attachment")
        {
            Id = file.StorageId,
            Key = id is { } known ? Attachment.KeyOf(known) : null,
            Size = file.Size ?? 0,
            LeftOut = id is { } named && message.Files?.Contains(named) == false ? LeftOutReason.FileMissing
                : message.FilesDoNotFit ? LeftOutReason.TooManyBytes
                : null,
        };
    }

    /// <summary>
    /// One model call sends at most the bytes of files that one message may have, the newest first. So the size of a request does not grow
    /// with the length of the thread.
    /// </summary>
    private static List<ProviderMessage> WithinByteLimit(List<ProviderMessage> messages)
    {
        var remaining = MessageAttachment.MostBytesPerMessage;
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            if (messages[i].Attachments.Count > 0)
            {
                messages[i] = messages[i] with
                {
                    Attachments =
                    [
                        .. messages[i].Attachments.Select(file =>
                            file.LeftOut is not null || (remaining -= file.Size) >= 0
                                ? file
                                : file with { LeftOut = LeftOutReason.TooManyBytes }),
                    ],
                };
            }
        }

        return messages;
    }
}

/// <summary>A message of the thread as stored.</summary>
/// <param name="ClientId">The id that the client gave the message.</param>
internal sealed record HistoryMessage(
    Guid Id, string Role, string Content, string? Status, string? ToolCallsJson, string? ToolCallId, string? Name, string? ProductsJson,
    string? AttachmentsJson, string? ClientId = null)
{
    /// <summary>The position in the thread; 0 for a message that is not stored yet.</summary>
    public long Seq { get; init; }

    /// <summary>The user message that the turn of this answer, or of this tool result, answers. Null: unknown.</summary>
    public Guid? Answers { get; init; }

    /// <summary>The versions that edits replaced, the newest first.</summary>
    public IReadOnlyList<ReplacedVersion> Replaced { get; init; } = [];

    /// <summary>
    /// The ids of those of its attachments that exist; the others were deleted. Null: all of them exist, because they have just been
    /// stored.
    /// </summary>
    public IReadOnlyCollection<Guid>? Files { get; init; }

    /// <summary>Its files are not sent, because newer messages use up the length of the conversation.</summary>
    public bool FilesDoNotFit { get; init; }
}
