using System.Text.Json;
using Sendcat.ApiService.Providers;
using Sendcat.Reliability.ToolJobs.Tools;

namespace Sendcat.ApiService.Chat;

/// <summary>What the model is told: the thread's history, repaired and cut to measure, and what the turn adds to it.</summary>
internal sealed class Conversation
{
    private const string Interrupted = "The tool call was interrupted before it had a result.";

    private readonly List<ProviderMessage> messages;

    private Conversation(List<ProviderMessage> messages) => this.messages = messages;

    public IReadOnlyList<ProviderMessage> Messages => messages;

    public int Characters => messages.Sum(message => message.Content?.Length ?? 0);

    /// <param name="history">Ascending.</param>
    public static Conversation From(IReadOnlyList<HistoryMessage> history, ChatOptions limits) => new(Repaired([.. Newest(history, limits)]));

    public void Say(ProviderMessage message) => messages.Add(message);

    public void CallTools(string text, IReadOnlyList<ProviderToolCall> calls, string? reasoningDetailsJson) =>
        messages.Add(new ProviderMessage("assistant", text.Length == 0 ? null : text) { ToolCalls = calls, ReasoningDetailsJson = reasoningDetailsJson });

    public void AnswerTool(ProviderToolCall call, string text) => messages.Add(new ProviderMessage("tool", text) { ToolCallId = call.Id, Name = call.Name });

    private static IEnumerable<HistoryMessage> Newest(IReadOnlyList<HistoryMessage> history, ChatOptions limits)
    {
        var characters = 0;
        var first = history.Count;
        for (var i = history.Count - 1; i >= 0 && history.Count - i <= limits.HistoryMaxMessages; i--)
        {
            characters += history[i].Content.Length;
            if (characters > limits.HistoryMaxChars && first < history.Count)
            {
                break;
            }

            first = i;
        }

        return history.Skip(first);
    }

    /// <summary>Every call has its result, every result its call, and nothing that a strict provider refuses.</summary>
    private static List<ProviderMessage> Repaired(List<HistoryMessage> history)
    {
        var told = new List<ProviderMessage>(history.Count);
        for (var i = 0; i < history.Count; i++)
        {
            var message = history[i];
            switch (message.Role)
            {
                case "user":
                    told.Add(new ProviderMessage("user", message.Content) { Attachments = Attachments(message.AttachmentsJson) });
                    break;
                case "assistant" when message.ToolCallsJson is not null:
                    var calls = ToolCallsJson.Read(message.ToolCallsJson);
                    var content = WithProducts(message);
                    told.Add(new ProviderMessage("assistant", content.Length == 0 ? null : content) { ToolCalls = calls });
                    var answers = history.Skip(i + 1).TakeWhile(next => next.Role == "tool").ToLookup(next => next.ToolCallId, StringComparer.Ordinal);
                    told.AddRange(calls.Select(call => new ProviderMessage("tool", answers[call.Id].FirstOrDefault()?.Content ?? Interrupted) { ToolCallId = call.Id, Name = call.Name }));
                    break;
                case "assistant" when message.Content.Length > 0 || message.ProductsJson is not null:
                    told.Add(new ProviderMessage("assistant", WithProducts(message)));
                    break;
                default:
                    // Answers were told with their calls; orphans, empty answers and foreign roles are left out.
                    break;
            }
        }

        return told;
    }

    private static string WithProducts(HistoryMessage message) =>
        message.ProductsJson is { } products ? ShownProducts.After(message.Content, JsonSerializer.Deserialize(products, ToolJson.Default.IReadOnlyListProduct) ?? []) : message.Content;

    private static IReadOnlyList<ProviderAttachment> Attachments(string? json) => json is null
        ? []
        : [.. (JsonSerializer.Deserialize(json, StoredJson.Default.StoredAttachmentArray) ?? [])
            .Where(attachment => attachment is { Url: not null, Type: not null })
            .Select(attachment => new ProviderAttachment(attachment.Url!, attachment.Type!, attachment.Name ?? "attachment"))];
}

/// <summary>A message of the thread as stored.</summary>
/// <param name="ClientId">The name that its client gave it.</param>
internal sealed record HistoryMessage(Guid Id, string Role, string Content, string? Status, string? ToolCallsJson, string? ToolCallId, string? Name, string? ProductsJson, string? AttachmentsJson, string? ClientId = null);
