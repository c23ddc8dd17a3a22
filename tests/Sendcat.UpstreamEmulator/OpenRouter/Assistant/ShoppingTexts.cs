using System.Globalization;
using System.Text.RegularExpressions;

namespace Sendcat.UpstreamEmulator.OpenRouter.Assistant;

/// <summary>The texts of a shopping and parcel assistant. The same prompt always gets the same text.</summary>
internal static partial class ShoppingTexts
{
    private static readonly string[] Openings =
    [
        "For {0} I would first settle what matters most to you, then compare a few sellers that ship to our warehouse.",
        "Happy to help with {0} — here is how I would go about it.",
        "Good choice to ask before ordering: with {0} the listing price is only part of the story.",
    ];

    private static readonly string[] Middles =
    [
        "Look for a seller rating above 95 %, recent reviews with photos, "
        + "and free shipping to Miami; a “crème” listing with three reviews is rarely a bargain.",
        "Check the condition line twice: new, open box and refurbished often share the same photo, "
        + "and a refurbished one with a year of warranty can be the better deal.",
        "Add up item, shipping to the Miami warehouse "
        + "and freight by weight, because a heavy box can cost more to forward than it saves in price.",
    ];

    private static readonly string[] Closings =
    [
        "From Miami a parcel usually reaches Kingston in 3–5 working days 📦, and duty applies above US$100. Tell me your budget "
        + "and I will narrow it down.",
        "Once it is at the warehouse, send me the tracking number and I will prepare the pre‑alert so customs does not hold it 🇯🇲.",
        "If you like, I can compare two or three offers side by side, delivery to Montego Bay included — just say which size or colour "
        + "you want.",
    ];

    public static string Reply(string prompt)
    {
        var hash = Hash(prompt);
        var opening = string.Format(CultureInfo.InvariantCulture, Openings[hash % 3], Subject(prompt));
        return $"{opening} {Middles[hash / 3 % 3]} {Closings[hash / 9 % 3]}";
    }

    public static string Reasoning(string prompt) =>
        $"The user asks about {Subject(prompt)}. I should think about budget, condition, shipping weight "
        + "and how long forwarding to Jamaica takes, and then answer briefly with one clear next step.";

    /// <summary>The subject of the prompt: its first eight words without the words of the request and the price.</summary>
    public static string Subject(string prompt)
    {
        var subject = RequestWords().Replace(Price().Replace(prompt.ReplaceLineEndings(" "), " "), " ");
        subject = string.Join(' ', subject.Split([' ', ',', '.', '?', '!', '"'], StringSplitOptions.RemoveEmptyEntries).Take(8));
        return subject.Length == 0 ? "your order" : subject.Length <= 80 ? subject : string.Concat(subject.EnumerateRunes().Take(80));
    }

    /// <summary>The number after "under", "below", "up to" or a dollar sign.</summary>
    public static decimal? Budget(string prompt) =>
        Price().Match(prompt) is { Success: true } match
            && decimal.TryParse(match.Groups["amount"].Value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount)
            ? amount
            : null;

    public static bool AsksForTime(string prompt) => TimeQuestion().IsMatch(prompt);

    public static bool AsksForProducts(string prompt) => ProductQuestion().IsMatch(prompt);

    public static bool AsksForResearch(string prompt) => ResearchQuestion().IsMatch(prompt);

    private static int Hash(string text)
    {
        var hash = 2_166_136_261u;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 16_777_619u;
        }

        return (int)(hash % 27);
    }

    [GeneratedRegex(@"\b(please|can you|could you|help me|find me|find|show me|search for|look for|looking for|compare|buy|i want|i need|what is|what are|tell me about|reviews?(?: (?:of|about))?|(?:the )?latest(?: news)?(?: (?:of|about))?|the best|best|cheapest|some|one|two|three|four|five|a few|a couple of|a|an|the|for|me|to|and)\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RequestWords();

    [GeneratedRegex(@"\b(?:under|below|less than|up to|max(?:imum)?)\s+(?:us)?\$?\s*(?<amount>\d{1,7}(?:\.\d{1,2})?)\s*(?:dollars|usd|bucks)?|(?:us)?\$\s*(?<amount>\d{1,7}(?:\.\d{1,2})?)", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Price();

    [GeneratedRegex(@"\bwhat(?:'s| is)?\s+(?:the\s+)?(?:current\s+)?(?:time|date|day)\b|\b(?:current|local)\s+(?:time|date)\b|\btime is it\b|\btoday's date\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TimeQuestion();

    [GeneratedRegex(
        @"\b(?:find|show|get)\s+me\b|\bcompare\b|\blook(?:ing)? for\b|\bsearch for\b|\bbuy\b|\bcheapest\b",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ProductQuestion();

    [GeneratedRegex(
        @"\breviews?\b|\blatest\b|\bnews\b|\bwhich is better\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex ResearchQuestion();
}
