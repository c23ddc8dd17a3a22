using System.Globalization;
using System.Text.Json;
using Sendcat.ApiService.Attachments;
using Sendcat.ApiService.Chat.Engine;
using Sendcat.ApiService.Chat.Record;
using Sendcat.ApiService.Chat.Streaming;
using Sendcat.ApiService.Providers;
using Sendcat.ApiService.Tools;
using Sendcat.Integrations.Tools;

namespace Sendcat.ApiService.Chat.History;

/// <summary>
/// Stored rows as messages of the AI SDK, with the ids and parts that <see cref="UiDialect"/> streamed. What is not stored is left out: the
/// route, usage, and a text before a tool call.
/// </summary>
internal static class UiAnswer
{
    public static ChatUiMessage OfUser(Guid threadId, StoredRow row)
    {
        List<ChatUiPart> parts = [.. (MessageAttachmentView.Of(row.Attachments) ?? []).Select(file => new ChatUiPart("file")
        {
            MediaType = file.Type ?? MediaType.Pdf, Filename = file.Name, Url = file.Url,
        })];
        if (row.Content.Length > 0 || parts.Count == 0)
        {
            parts.Add(new ChatUiPart("text") { Text = row.Content });
        }

        return new(
            row.ClientId ?? row.Id.ToString(), "user", parts,
            new(threadId.ToString(), null, row.CreatedAt.UtcDateTime, MessageStatus.Completed, null));
    }

    /// <param name="rows">The rows of one answer, the oldest first, at least one of them of the assistant.</param>
    public static ChatUiMessage OfAnswer(Guid threadId, IReadOnlyList<StoredRow> rows)
    {
        var steps = rows.Where(row => row.Role == "assistant").ToList();
        var (first, last) = (steps[0], steps[^1]);
        var turn = steps.FindLast(step => step.Turn is not null)?.Turn;
        return new(
            first.Id.ToString(), "assistant", [.. steps.SelectMany((step, number) => PartsOf(step, number, rows))],
            new(
                threadId.ToString(), turn is { } id ? StreamIds.Format(id) : null, first.CreatedAt.UtcDateTime,
                last.Status ?? MessageStatus.Completed, last.ModelId));
    }

    private static IEnumerable<ChatUiPart> PartsOf(StoredRow step, int number, IReadOnlyList<StoredRow> rows)
    {
        yield return new("step-start");
        if (number > 0)
        {
            yield return new("data-step")
            {
                Id = string.Create(CultureInfo.InvariantCulture, $"step-{number}"), Data = new(number, step.Id.ToString()),
            };
        }

        if (!string.IsNullOrEmpty(step.Reasoning))
        {
            yield return new("reasoning") { Text = step.Reasoning, State = "done" };
        }

        if (step.Content.Length > 0)
        {
            yield return new("text") { Text = step.Content, State = "done" };
        }

        var calls = ToolCallsJson.Read(step.ToolCallsJson);
        foreach (var call in calls)
        {
            var result = rows.FirstOrDefault(row => row.Role == "tool" && row.ToolCallId == call.Id && row.Seq > step.Seq);
            var hits = call.Name == QueuedTool.SearchWeb.Name && IsSuccess(result) ? HitsOf(result!, step, calls) : [];
            yield return ToolPart(
                call, result,
                hits.Count > 0
                    ? JsonSerializer.SerializeToElement(hits, ToolJson.Default.IReadOnlyListSearchWebHit)
                    : ProductsOf(call, result, step, calls, rows));
            foreach (var source in UiSource.Of(call.Id, hits))
            {
                yield return new("source-url") { SourceId = source.Id, Url = source.Url, Title = source.Title };
            }
        }
    }

    private static ChatUiPart ToolPart(ProviderToolCall call, StoredRow? result, JsonElement? results)
    {
        var isObject = JsonShape.IsObject(call.ArgumentsJson);
        var part = new ChatUiPart($"tool-{call.Name}")
        {
            ToolCallId = call.Id, Input = isObject ? Parse(call.ArgumentsJson) : null, RawInput = isObject ? null : call.ArgumentsJson,
        };
        if (!IsSuccess(result))
        {
            return part with
            {
                State = "output-error", ErrorText = result?.Content ?? "The tool call was interrupted before it had a result.",
            };
        }

        return part with
        {
            State = "output-available",
            Output = results is { } found
                ? JsonSerializer.SerializeToElement(new ChatUiOutput(found, result!.Content), ChatUiJson.Default.ChatUiOutput)
                : JsonSerializer.SerializeToElement(result!.Content, ChatUiJson.Default.String),
        };
    }

    private static bool IsSuccess(StoredRow? result) =>
        result?.Status is null ? result is not null : result.Status == MessageStatus.Completed;

    /// <summary>
    /// The rows of a web search: from the text of its result, or from the pages of the step if that text has a note before them.
    /// </summary>
    private static IReadOnlyList<SearchWebHit> HitsOf(StoredRow result, StoredRow step, IReadOnlyList<ProviderToolCall> calls)
    {
        try
        {
            if (result.Content.StartsWith('['))
            {
                return JsonSerializer.Deserialize(result.Content, ToolJson.Default.IReadOnlyListSearchWebHit) ?? [];
            }
        }
        catch (JsonException)
        {
            // The text is for people.
        }

        return step.Sources is { } sources && calls.Count(call => call.Name == QueuedTool.SearchWeb.Name) == 1
            ? [
                .. (sources.Deserialize(MessageSourceJson.Default.MessageSourceArray) ?? [])
                    .Select(source => new SearchWebHit(source.Title, source.Url, source.Snippet))]
            : [];
    }

    /// <summary>Products are stored once for all calls of a step: the first product search that has a result shows them.</summary>
    private static JsonElement? ProductsOf(
        ProviderToolCall call, StoredRow? result, StoredRow step, IReadOnlyList<ProviderToolCall> calls, IReadOnlyList<StoredRow> rows) =>
        step.Products is { } products && IsSuccess(result)
            && calls.FirstOrDefault(
                other => FindsProducts(other)
                    && IsSuccess(
                        rows.FirstOrDefault(row => row.Role == "tool" && row.ToolCallId == other.Id && row.Seq > step.Seq)))?.Id == call.Id
            ? products
            : null;

    private static bool FindsProducts(ProviderToolCall call) =>
        call.Name == QueuedTool.SearchProducts.Name || call.Name == QueuedTool.SearchGlobal.Name;

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}
