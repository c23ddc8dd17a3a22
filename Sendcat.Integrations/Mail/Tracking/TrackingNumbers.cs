namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>Finds the tracking numbers in a text. Order ids, coupons, article numbers and phone numbers are none.</summary>
public static class TrackingNumbers
{
    /// <summary>Most numbers of one text; a longer list is no mail of a merchant.</summary>
    public const int MostNumbers = 100;

    /// <summary>
    /// Most numbers whose format is right and whose surroundings are judged. A text with more is made of digits: each group of four may
    /// begin a number, and a judgement costs much more than the search.
    /// </summary>
    private const int MostJudged = 500;

    /// <summary>The tracking numbers in the order of their first occurrence, each once.</summary>
    /// <param name="text">At most some hundred thousand characters; the time is linear.</param>
    public static IReadOnlyList<TrackingMatch> Find(string text)
    {
        var words = NumberWords.In(text);
        var found = new Dictionary<string, TrackingMatch>(StringComparer.Ordinal);
        var judged = 0;
        for (var at = 0; at < words.Count && found.Count < MostNumbers && judged < MostJudged;)
        {
            at += Match(words, at, found, ref judged);
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
    /// <param name="found">
    /// What <see cref="Find"/> found in the text. Somebody may name hundreds of numbers, and each search reads the whole text.
    /// </param>
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

        var place = NumberWords.In(text).Occurrence(normalized);
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

    /// <summary>Tries the numbers that begin with this word, the longest first.</summary>
    /// <returns>How many words were used, at least 1.</returns>
    private static int Match(NumberWords words, int at, Dictionary<string, TrackingMatch> found, ref int judged)
    {
        var lengths = words.LengthsAt(at, out var last);
        if (lengths == 0 || !words.MayBegin(at))
        {
            return 1;
        }

        Span<char> joined = stackalloc char[NumberWords.LongestNumber];
        for (var length = words.Join(at, last, joined); last >= at; length -= words[last].Length, last--)
        {
            // A text that is made to look like numbers begins one with each word: nothing is allocated before a format fits.
            if (((lengths >> length) & 1) == 0 || !words.MayEnd(last)
                || TrackingFormats.CandidatesOf(joined[..length]) is not { Count: > 0 } candidates
                || (last > at && GoesOnByChance(words, at, joined, candidates)))
            {
                continue;
            }

            var number = joined[..length].ToString();
            if (TrackingFormats.IsPlaceholder(number))
            {
                continue;
            }

            judged++;
            if (TryAdd(words.Text, words[at].Start, words[last].End, number, candidates, found))
            {
                return last - at + 1;
            }
        }

        return 1;
    }

    /// <summary>Adds a number if its surroundings say that it is one, or that it belongs to a list of numbers.</summary>
    private static bool TryAdd(
        string text, int start, int end, string number, IReadOnlyList<TrackingCandidate> candidates,
        Dictionary<string, TrackingMatch> found)
    {
        var label = NumberLabels.Of(text, start, end);
        var carrier = label is LabelKind.Parcel ? CarrierNear(text, start, end) : null;
        if (!candidates.Any(candidate => IsCertain(candidate, label, carrier)) && !FollowsAccepted(text, start, found))
        {
            return false;
        }

        found.TryAdd(number, Describe(text, number, start, end - start, label is LabelKind.Tracking));
        return true;
    }

    /// <summary>
    /// "GFUS01… 3 items": a word that is a number by itself goes on with the next word only if a check digit says so.
    /// </summary>
    private static bool GoesOnByChance(
        NumberWords words, int at, ReadOnlySpan<char> joined, IReadOnlyList<TrackingCandidate> candidates) =>
        !candidates.Any(candidate => candidate.HasCheckDigit)
            && words.MayEnd(at) && TrackingFormats.CandidatesOf(joined[..words[at].Length]).Count > 0;

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
                && NumberWords.MayEnd(text, start + length) && !found.Values.Any(other => Overlaps(other, start, length)))
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
