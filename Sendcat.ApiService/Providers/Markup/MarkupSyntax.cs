namespace Sendcat.ApiService.Providers.Markup;

/// <summary>The kinds of markup blocks that an opening marker starts.</summary>
internal enum MarkupBlock
{
    /// <summary><c>&lt;think&gt;</c>: reasoning until the closing tag. It is streamed without buffering.</summary>
    Think,

    /// <summary>A closing <c>&lt;/think&gt;</c> without an opening tag, which some chat templates drop. It is removed.</summary>
    StrayThink,

    /// <summary><c>&lt;function_calls&gt;</c>: JSON, or <c>invoke</c> elements.</summary>
    FunctionCalls,

    /// <summary><c>&lt;minimax:tool_call&gt;</c>: <c>invoke</c> elements.</summary>
    MiniMax,

    /// <summary><c>[[SEARCH: q]]</c></summary>
    DoubleBracket,

    /// <summary><c>[search_web: "q"]</c></summary>
    SearchWeb,

    /// <summary><c>[search_products: "q"]</c></summary>
    SearchProducts,
}

/// <summary>A set of markers that are searched for in a model's text. Matching ignores case; the markers here are in lower case.</summary>
internal sealed class MarkupSyntax
{
    private const string ThinkEnd = "</think>";

    /// <summary>For models with native tools. Square brackets have no meaning.</summary>
    public static readonly MarkupSyntax Native = new(
        "<", ("<think>", MarkupBlock.Think), (ThinkEnd, MarkupBlock.StrayThink), ("<function_calls>", MarkupBlock.FunctionCalls));

    /// <summary>For models without native tools. A prompt explains how to write a tool call as text.</summary>
    public static readonly MarkupSyntax Fallback = new(
        "<[",
        ("<think>", MarkupBlock.Think),
        (ThinkEnd, MarkupBlock.StrayThink),
        ("<function_calls>", MarkupBlock.FunctionCalls),
        ("<minimax:tool_call>", MarkupBlock.MiniMax),
        ("[[search:", MarkupBlock.DoubleBracket),
        ("[search_web:", MarkupBlock.SearchWeb),
        ("[search_products:", MarkupBlock.SearchProducts));

    /// <summary>Inside <c>&lt;think&gt;</c>: only the closing tag has a meaning.</summary>
    public static readonly MarkupSyntax Thinking = new("<", (ThinkEnd, MarkupBlock.StrayThink));

    private readonly (string Marker, MarkupBlock Block)[] _openers;

    private MarkupSyntax(string triggers, params (string Marker, MarkupBlock Block)[] openers)
    {
        Triggers = triggers;
        _openers = openers;
    }

    /// <summary>The characters that any marker may begin with.</summary>
    public string Triggers { get; }

    /// <summary>True if <paramref name="candidate"/> is a marker, or the beginning of one.</summary>
    /// <param name="opened">The block that the complete marker starts; null while the marker is incomplete.</param>
    public bool MayOpen(ReadOnlySpan<char> candidate, out MarkupBlock? opened)
    {
        opened = null;
        foreach (var (marker, block) in _openers)
        {
            if (marker.AsSpan().StartsWith(candidate, StringComparison.OrdinalIgnoreCase))
            {
                opened = marker.Length == candidate.Length ? block : null;
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// The closing tag of a tag block; null for a bracket block, which ends as <see cref="MarkupCalls.BracketEnds"/> decides.
    /// </summary>
    public static string? EndTag(MarkupBlock block) => block switch
    {
        MarkupBlock.FunctionCalls => "</function_calls>",
        MarkupBlock.MiniMax => "</minimax:tool_call>",
        _ => null,
    };
}
