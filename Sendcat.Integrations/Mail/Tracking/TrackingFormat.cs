namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>How certain a number of a format is without its surroundings.</summary>
public enum Certainty
{
    /// <summary>Random digits pass: the number counts next to a word for tracking, or to the name of the carrier.</summary>
    NeedsLabel,

    /// <summary>Hardly anything else looks like it: a word about parcels near it is enough.</summary>
    NeedsContext,

    /// <summary>It may stand alone.</summary>
    StandsAlone,
}

/// <summary>A carrier's number as it is printed, without blanks and in capitals.</summary>
/// <param name="Carrier">Id of the carrier, for example <c>fedex</c>; see <see cref="Carriers"/>.</param>
/// <param name="Service">Name for people, for example <c>FedEx Ground</c>.</param>
/// <param name="Shape">
/// One character each: <c>d</c> a digit, <c>a</c> a letter, <c>x</c> either; any other stands for itself.
/// </param>
/// <param name="Certainty">How certain a number of this format is.</param>
/// <param name="Check">Checks the whole number; null: the format has no check digit.</param>
internal sealed record TrackingFormat(
    string Carrier, string Service, string Shape, Certainty Certainty, Func<ReadOnlySpan<char>, bool>? Check = null)
{
    /// <summary>True when length and characters fit.</summary>
    public bool Fits(ReadOnlySpan<char> number)
    {
        if (number.Length != Shape.Length)
        {
            return false;
        }

        for (var at = 0; at < number.Length; at++)
        {
            if (!Fits(number[at], at))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>True when a number of this shape may have the character, a digit or a capital letter, at this place.</summary>
    public bool Fits(char character, int place) => Shape[place] switch
    {
        'd' => char.IsAsciiDigit(character),
        'a' => char.IsAsciiLetterUpper(character),
        'x' => char.IsAsciiDigit(character) || char.IsAsciiLetterUpper(character),
        var letter => character == letter,
    };
}
