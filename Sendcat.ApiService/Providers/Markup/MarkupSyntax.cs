namespace Sendcat.ApiService.Providers.Markup;

/// <summary>What an opening marker opens.</summary>
internal enum MarkupBlock
{
    /// <summary><c>&lt;think&gt;</c>: reasoning until its closing tag, streamed on as it comes.</summary>
    Think,

    /// <summary>A closing <c>&lt;/think&gt;</c> without its opening, which some templates swallow: only removed.</summary>
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

/// <summary>The markers that a model's text is searched for. Markers are matched without regard to case and written here in lower case.</summary>
internal sealed class MarkupSyntax
{
    private const string ThinkEnd = "</think>";

    /// <summary>For models with native tools: a square bracket is just a bracket.</summary>
    public static readonly MarkupSyntax Native = new(
        "<", ("<think>", MarkupBlock.Think), (ThinkEnd, MarkupBlock.StrayThink), ("<function_calls>", MarkupBlock.FunctionCalls));

    /// <summary>For models that are told in a prompt how to ask for a tool.</summary>
    public static readonly MarkupSyntax Fallback = new(
        "<[",
        ("<think>", MarkupBlock.Think),
        (ThinkEnd, MarkupBlock.StrayThink),
        ("<function_calls>", MarkupBlock.FunctionCalls),
        ("<minimax:tool_call>", MarkupBlock.MiniMax),
        ("[[search:", MarkupBlock.DoubleBracket),
        ("[search_web:", MarkupBlock.SearchWeb),
        ("[search_products:", MarkupBlock.SearchProducts));

    /// <summary>Inside <c>&lt;think&gt;</c> only its end means something.</summary>
    public static readonly MarkupSyntax Thinking = new("<", (ThinkEnd, MarkupBlock.StrayThink));

    private readonly (string Marker, MarkupBlock Block)[] _openers;

    private MarkupSyntax(string triggers, params (string Marker, MarkupBlock Block)[] openers)
    {
        Triggers = triggers;
        _openers = openers;
    }

    /// <summary>The characters that any marker may begin with.</summary>
    public string Triggers { get; }

    /// <summary>Whether <paramref name="candidate"/> is a marker, the beginning of one (<paramref name="opened"/> null), or neither.</summary>
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

    /// <summary>The tag that ends a block of tags; null for brackets, which end by rules of their own.</summary>
    public static string? EndTag(MarkupBlock block) => block switch
    {
        MarkupBlock.FunctionCalls => "</function_calls>",
        MarkupBlock.MiniMax => "</minimax:tool_call>",
        _ => null,
    };
}
