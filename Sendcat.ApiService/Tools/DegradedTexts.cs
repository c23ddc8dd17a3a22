using Sendcat.Integrations.Tools;
using Sendcat.Reliability.ToolJobs.Waiting;

namespace Sendcat.ApiService.Tools;

/// <summary>Texts for the model when a search failed completely or partly. docs/chat-protocol.md lists them.</summary>
internal static class DegradedTexts
{
    public const string MissingQuery = "The search had no query. Call the tool again with one, or answer with what you know.";

    public const string OutOfDate =
        "These results were found earlier and may be out of date; the search could not be repeated just now. Say so when it matters.";

    /// <summary>The text for a search that returned no result.</summary>
    /// <param name="outcome">The outcome of the job; null: unknown.</param>
    public static string Of(QueuedTool tool, ToolJobOutcome? outcome) => outcome switch
    {
        ToolJobOutcome.TimedOut =>
            $"Live {tool.Spoken} is overloaded and did not answer in time. Continue with what you know, and say that it is not from a live "
            + "search.",
        ToolJobOutcome.Saturated =>
            $"Live {tool.Spoken} is overloaded and takes no more questions at the moment. Continue with what you know, and say that it is "
            + "not from a live search.",
        ToolJobOutcome.Failed failed =>
            $"The {tool.Spoken} failed: {failed.Error.TrimEnd('.')}. Continue with what you know, and say that the search failed.",
        ToolJobOutcome.Completed or ToolJobOutcome.Cancelled or null =>
            $"The {tool.Spoken} brought nothing that can be read. Continue with what you know, and say that the search failed.",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null),
    };

    /// <summary>The text for a product search in which some of the sources failed.</summary>
    public static string Missing(IEnumerable<string> sources) =>
        "Not everything could be searched ("
        + string.Join(
            ", ", sources.Select(source => source == "ebay" ? "eBay did not answer" : "shops other than eBay did not answer"))
        + ").";
}
