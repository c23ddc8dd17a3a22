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
        var characters = 0L;
        var shown = new List<HistoryMessage>();
        for (var i = history.Count - 1; i >= 0 && history.Count - i <= limits.HistoryMaxMessages; i--)
        {
            var message = history[i].ProductsJson is null ? history[i] : history[i] with { Content = WithProducts(history[i]) };
            characters += message.Content.Length + (message.ToolCallsJson?.Length ?? 0);
            if (characters > limits.HistoryMaxChars && shown.Count > 0)
            {
                break;
            }

            // Files weigh as what they are, text inside of the request. The newest message keeps its own; an older one is told without those that no longer fit.
            if (message.AttachmentsJson is { } attachments && shown.Count > 0)
            {
                var fits = characters + attachments.Length <= limits.HistoryMaxChars;
                characters += fits ? attachments.Length : 0;
                message = fits ? message : message with { AttachmentsJson = null };
            }

            shown.Add(message);
        }

        shown.Reverse();
        return shown;
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
                    told.Add(new ProviderMessage("assistant", message.Content.Length == 0 ? null : message.Content) { ToolCalls = calls });
                    var answers = history.Skip(i + 1).TakeWhile(next => next.Role == "tool").ToLookup(next => next.ToolCallId, StringComparer.Ordinal);
                    told.AddRange(calls.Select(call => new ProviderMessage("tool", answers[call.Id].FirstOrDefault()?.Content ?? Interrupted) { ToolCallId = call.Id, Name = call.Name }));
                    break;
                case "assistant" when message.Content.Length > 0:
                    told.Add(new ProviderMessage("assistant", message.Content));
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
        : [.. (JsonSerializer.Deserialize(json, StoredMessageJson.Default.StoredAttachmentArray) ?? [])
            .Where(attachment => attachment is { Url: not null, Type: not null })
            .Select(attachment => new ProviderAttachment(attachment.Url!, attachment.Type!, attachment.Name ?? "attachment"))];
}

/// <summary>A message of the thread as stored.</summary>
/// <param name="ClientId">The name that its client gave it.</param>
internal sealed record HistoryMessage(Guid Id, string Role, string Content, string? Status, string? ToolCallsJson, string? ToolCallId, string? Name, string? ProductsJson, string? AttachmentsJson, string? ClientId = null);
