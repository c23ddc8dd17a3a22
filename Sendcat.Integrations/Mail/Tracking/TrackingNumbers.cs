namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>Finds the tracking numbers in a text. Order ids, coupons, article numbers and phone numbers are none.</summary>
public static class TrackingNumbers
{
    /// <summary>Most numbers of one text; a longer list is no mail of a merchant.</summary>
    public const int MostNumbers = 100;

    /// <summary>
    /// Most numbers whose format is right and whose surroundings are judged. A text with more is made of digits: each group of four may begin
    /// a number, and a judgement costs much more than the search.
    /// </summary>
    private const int MostJudged = 500;

    private const int LongestNumber = 40;
    private const int MostGroups = 12;

    /// <summary>Above it are the scripts without blanks between words: a number may stand directly beside their letters.</summary>
    private const char LastOfAlphabets = '\u2E80';

    /// <summary>The tracking numbers in the order of their first occurrence, each once.</summary>
    /// <param name="text">At most some hundred thousand characters; the time is linear.</param>
    public static IReadOnlyList<TrackingMatch> Find(string text)
    {
        var words = Words(text);
        var found = new Dictionary<string, TrackingMatch>(StringComparer.Ordinal);
        var judged = 0;
        for (var at = 0; at < words.Count && found.Count < MostNumbers && judged < MostJudged;)
        {
            at += Match(text, words, at, found, ref judged);
        }

        AddLabelled(text, found);
        return [.. found.Values.OrderBy(match => match.Start)];
    }

    /// <summary>
    /// What a number that somebody names is, judged by itself and by its first occurrence in the text: null when it does not occur, when it
    /// is labelled as something else, or when its check digit is wrong.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="number">The number, as somebody wrote it.</param>
    /// <param name="found">What <see cref="Find"/> found in the text. Somebody may name hundreds of numbers, and each search reads the whole text.</param>
    public static TrackingMatch? Judge(string text, string number, IEnumerable<TrackingMatch> found)
    {
        if (TrackingFormats.Normalize(number) is not { } normalized || TrackingFormats.IsMistyped(normalized))
        {
            return null;
        }

        if (found.FirstOrDefault(match => match.Start >= 0 && match.Number == normalized) is { } known)
        {
            return known;
        }

        var place = Occurrence(text, normalized);
        if (place is not { } at || NumberLabels.Of(text, at.Start, at.Start + at.Length) is not (LabelKind.Tracking or LabelKind.Parcel))
        {
            return null;
        }

        return Describe(text, normalized, at.Start, at.Length, isLabelled: false);
    }

    /// <summary>A number that a link or markup names as a tracking number.</summary>
    /// <param name="number">As it stands there.</param>
    /// <param name="carrier">Name or id of the carrier, if it is named.</param>
    public static TrackingMatch? OfNamed(string? number, string? carrier)
    {
        if (TrackingFormats.Normalize(number) is not { } normalized || TrackingFormats.IsMistyped(normalized))
        {
            return null;
        }

        var candidates = TrackingFormats.CandidatesOf(normalized);
        return new(
            normalized, CarrierOf(candidates, carrier is null ? null : Carriers.NamedIn(carrier) ?? carrier), candidates, -1, 0,
            IsLabelled: true);
    }

    /// <summary>Where the number occurs as a word of its own, grouped by blanks or not.</summary>
    internal static (int Start, int Length)? Occurrence(string text, string normalized)
    {
        var words = Words(text);
        for (var at = 0; at < words.Count; at++)
        {
            var length = 0;
            for (
                var end = at; end < words.Count && end < at + MostGroups
                    && (end == at || IsJoined(text, words[end - 1], words[end])); end++)
            {
                length += words[end].Length;
                if (length > normalized.Length)
                {
                    break;
                }

                if (length == normalized.Length && Joined(text, words, at, end) == normalized)
                {
                    return (words[at].Start, words[end].Start + words[end].Length - words[at].Start);
                }
            }
        }

        return null;
    }

    /// <summary>Tries the numbers that begin with this word, the longest first.</summary>
    /// <returns>How many words were used, at least 1.</returns>
    private static int Match(string text, List<Word> words, int at, Dictionary<string, TrackingMatch> found, ref int judged)
    {
        if (!MayBegin(text, words[at]))
        {
            return 1;
        }

        var (length, last) = (words[at].Length, at);
        while (last + 1 < words.Count && last + 1 < at + MostGroups && length + words[last + 1].Length <= LongestNumber
            && IsJoined(text, words[last], words[last + 1]))
        {
            length += words[++last].Length;
        }

        // "GFUS01… 3 items": a word that is a number by itself goes on with the next word only if a check digit says so.
        var isWhole = last > at && MayEnd(text, words[at]) && TrackingFormats.HasLength(words[at].Length)
            && TrackingFormats.CandidatesOf(Joined(text, words, at, at)).Count > 0;
        for (; last >= at; length -= words[last].Length, last--)
        {
            // Every format has a digit.
            if (!TrackingFormats.HasLength(length) || !MayEnd(text, words[last]) || !HasDigit(text, words[at], words[last]))
            {
                continue;
            }

            var number = Joined(text, words, at, last);
            if (TrackingFormats.IsPlaceholder(number) || TrackingFormats.CandidatesOf(number) is not { Count: > 0 } candidates
                || (isWhole && last > at && !candidates.Any(candidate => candidate.HasCheckDigit)))
            {
                continue;
            }

            var (start, end) = (words[at].Start, words[last].Start + words[last].Length);
            judged++;
            var label = NumberLabels.Of(text, start, end);
            var carrier = label is LabelKind.Parcel ? CarrierNear(text, start, end) : null;
            if (candidates.Any(candidate => IsCertain(candidate, label, carrier)) || FollowsAccepted(text, start, found))
            {
                found.TryAdd(number, Describe(text, number, start, end - start, label is LabelKind.Tracking));
                return last - at + 1;
            }
        }

        return 1;
    }

    /// <summary>Numbers of no known format that directly follow a word for tracking.</summary>
    private static void AddLabelled(string text, Dictionary<string, TrackingMatch> found)
    {
        foreach (var (start, length) in NumberLabels.NumbersAfterTracking(text))
        {
            if (found.Count >= MostNumbers)
            {
                return;
            }

            var number = TrackingFormats.Normalize(text.Substring(start, length));
            if (number is not null && !TrackingFormats.IsMistyped(number)
                && MayEnd(text, new(start, length)) && !found.Values.Any(other => Overlaps(other, start, length)))
            {
                found.TryAdd(number, Describe(text, number, start, length, isLabelled: true));
            }
        }
    }

    private static bool IsCertain(TrackingCandidate candidate, LabelKind label, string? carrier) => candidate.Certainty switch
    {
        Certainty.StandsAlone => label is not LabelKind.Other,
        Certainty.NeedsContext => label is LabelKind.Parcel or LabelKind.Tracking,
        Certainty.NeedsLabel => label is LabelKind.Tracking || (label is LabelKind.Parcel && carrier == candidate.Carrier),
        _ => throw new InvalidOperationException($"There is no certainty {candidate.Certainty}."),
    };

    /// <summary>A list of numbers has one label: the number directly before this one was accepted.</summary>
    private static bool FollowsAccepted(string text, int start, Dictionary<string, TrackingMatch> found)
    {
        if (found.Count == 0)
        {
            return false;
        }

        var last = found.Values.MaxBy(match => match.Start)!;
        var between = text.AsSpan(last.Start + last.Length, Math.Max(0, start - last.Start - last.Length));
        return start > last.Start && between.Length <= 12 && !between.ContainsAnyExcept(" \t\n\r,;&·•-*and+/|");
    }

    private static TrackingMatch Describe(string text, string number, int start, int length, bool isLabelled)
    {
        var candidates = TrackingFormats.CandidatesOf(number);
        return new(number, CarrierOf(candidates, CarrierNear(text, start, start + length)), candidates, start, length, isLabelled);
    }

    /// <summary>The carrier that is named, when the number may be its own; else the only one of the candidates.</summary>
    private static string? CarrierOf(IReadOnlyList<TrackingCandidate> candidates, string? named)
    {
        if (named is not null && (candidates.Count == 0 || candidates.Any(candidate => candidate.Carrier == named)))
        {
            return named;
        }

        var carriers = candidates.Select(candidate => candidate.Carrier).Distinct(StringComparer.Ordinal).ToArray();
        return carriers.Length == 1 ? carriers[0] : null;
    }

    /// <summary>The carrier that is named on the line of the number, or else on the lines around it.</summary>
    private static string? CarrierNear(string text, int start, int end)
    {
        var lineStart = text.LastIndexOf('\n', Math.Max(0, start - 1), Math.Min(start, 200)) + 1;
        lineStart = lineStart == 0 ? Math.Max(0, start - 200) : lineStart;
        var lineEnd = text.IndexOf('\n', end, Math.Min(200, text.Length - end)) is >= 0 and var cut
            ? cut
            : Math.Min(text.Length, end + 200);
        return Carriers.NamedIn(text[lineStart..lineEnd])
            ?? Carriers.NamedIn(text[Math.Max(0, start - 160)..start])
            ?? Carriers.NamedIn(text[end..Math.Min(text.Length, end + 120)]);
    }

    private static bool Overlaps(TrackingMatch match, int start, int length) =>
        match.Start < start + length && start < match.Start + match.Length;

    /// <summary>
    /// Words of ASCII letters and digits with at least one digit, or of up to six letters, which may begin a number in groups.
    /// </summary>
    private static List<Word> Words(string text)
    {
        var words = new List<Word>();
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            while (at < text.Length && char.IsAsciiLetterOrDigit(text[at]))
            {
                at++;
            }

            if (at - start is > 0 and <= LongestNumber && (at - start <= 6 || text.AsSpan(start, at - start).ContainsAnyInRange('0', '9')))
            {
                words.Add(new(start, at - start));
            }

            at = at == start ? at + 1 : at;
        }

        return words;
    }

    private static bool MayBegin(string text, Word word) =>
        word.Start == 0 || text[word.Start - 1] switch
        {
            '-' or '+' or '@' or '/' or '_' or '=' or '&' or '%' or '$' or '€' or '£' => false,
            '.' => word.Start < 2 || !char.IsAsciiDigit(text[word.Start - 2]),
            var before => before > LastOfAlphabets || !char.IsLetterOrDigit(before),
        };

    private static bool MayEnd(string text, Word word)
    {
        var end = word.Start + word.Length;
        return end == text.Length
            || (text[end] is not ('@' or '_') && !char.IsLetterOrDigit(text[end])
                && (text[end] != '-' || end + 1 == text.Length || !char.IsLetterOrDigit(text[end + 1]) || IsPieceCount(text, end)))
            || text[end] > LastOfAlphabets;
    }

    /// <summary>LaserShip prints <c>-1</c> behind its numbers.</summary>
    private static bool IsPieceCount(string text, int hyphen) =>
        text[hyphen + 1] == '1' && (hyphen + 2 == text.Length || !char.IsLetterOrDigit(text[hyphen + 2]));

    private static bool IsJoined(string text, Word left, Word right) =>
        right.Start == left.Start + left.Length + 1 && text[right.Start - 1] is (' ' or '\u00A0');

    /// <summary>The words without the blanks between them, in capitals. They have at most <see cref="LongestNumber"/> characters.</summary>
    private static string Joined(string text, List<Word> words, int from, int to)
    {
        Span<char> joined = stackalloc char[LongestNumber];
        var length = 0;
        for (var at = from; at <= to; at++)
        {
            length += text.AsSpan(words[at].Start, words[at].Length).ToUpperInvariant(joined[length..]);
        }

        return new(joined[..length]);
    }

    private static bool HasDigit(string text, Word first, Word last) =>
        text.AsSpan(first.Start, last.Start + last.Length - first.Start).ContainsAnyInRange('0', '9');

    private readonly record struct Word(int Start, int Length);
}

/// <summary>A tracking number in a text.</summary>
/// <param name="Number">Upper case, without blanks.</param>
/// <param name="Carrier">Id of the carrier; null: unknown, or one of several <paramref name="Candidates"/>.</param>
/// <param name="Candidates">The formats that the number has; empty: none that is known, but the text calls it a tracking number.</param>
/// <param name="Start">Where it begins in the text; -1: it comes from a link or from markup.</param>
/// <param name="Length">Its length in the text, blanks included.</param>
/// <param name="IsLabelled">Whether the text calls it a tracking number.</param>
public sealed record TrackingMatch(
    string Number, string? Carrier, IReadOnlyList<TrackingCandidate> Candidates, int Start, int Length, bool IsLabelled)
{
    /// <summary>True: its check digit is right, or its format is known and the text calls it a tracking number.</summary>
    public bool IsVerified =>
        Candidates.Any(candidate => candidate.HasCheckDigit || candidate.Certainty is Certainty.StandsAlone || IsLabelled);
}
