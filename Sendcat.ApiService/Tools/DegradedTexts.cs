using Sendcat.Reliability.ToolJobs;

namespace Sendcat.ApiService.Tools;

/// <summary>What the model reads when a search could not be made, or only in part. docs/chat-protocol.md lists them.</summary>
internal static class DegradedTexts
{
    public const string NothingAsked = "The search had no query. Call the tool again with one, or answer with what you know.";

    public const string OutOfDate = "These results were found earlier and may be out of date; the search could not be repeated just now. Say so when it matters.";

    /// <param name="search">For instance <c>web search</c>.</param>
    public static string Of(string search, ToolJobOutcome? trouble) => trouble switch
    {
        ToolJobOutcome.TimedOut => $"Live {search} is overloaded and did not answer in time. Continue with what you know, and say that it is not from a live search.",
        ToolJobOutcome.Saturated => $"Live {search} is overloaded and takes no more questions at the moment. Continue with what you know, and say that it is not from a live search.",
        ToolJobOutcome.Failed failed => $"The {search} failed: {failed.Error.TrimEnd('.')}. Continue with what you know, and say that the search failed.",
        _ => $"The {search} brought nothing that can be read. Continue with what you know, and say that the search failed.",
    };

    /// <summary>One of the sources of a product search did not answer.</summary>
    public static string Missing(IEnumerable<string> sources) =>
        $"Not everything could be searched ({string.Join(", ", sources.Select(source => source == "ebay" ? "eBay did not answer" : "shops other than eBay did not answer"))}).";
}
