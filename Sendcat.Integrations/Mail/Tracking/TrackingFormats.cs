using System.Collections.Frozen;

namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>
/// The formats of the carriers that deliver to the warehouses of forwarders in the United States, and of the postal services of all
/// countries.
/// </summary>
public static class TrackingFormats
{
    private const int ShortestNumber = 8;
    private const int LongestNumber = 40;

    /// <summary>Ten equal digits in a row are a form that nobody filled in.</summary>
    private const int LongestRun = 10;

    /// <summary>The letters and digits of numbers.</summary>
    private const string Alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    private static readonly TrackingFormat[] All =
    [
        new(Carriers.Ups, "UPS", "1Zxxxxxxxxxxxxxxxd", Certainty.StandsAlone, number => CheckDigits.Ups(number[2..])),
        .. "AHJKTV".Select(
            letter => new TrackingFormat(
                Carriers.Ups, "UPS Waybill", $"{letter}dddddddddd", Certainty.NeedsLabel, number => CheckDigits.Ups(number[1..]))),

        new(Carriers.FedEx, "FedEx Express", Digits(12), Certainty.NeedsLabel, number => CheckDigits.FedExExpress(number)),
        new(Carriers.FedEx, "FedEx Ground", Digits(15), Certainty.NeedsLabel, number => CheckDigits.Gs1(number)),
        new(Carriers.FedEx, "FedEx Ground Economy", Digits(20), Certainty.NeedsLabel, number => CheckDigits.Gs1(number)),
        new(Carriers.FedEx, "FedEx Ground 96", "96" + Digits(20), Certainty.NeedsContext, number => CheckDigits.Gs1(number[7..])),

        // The first two digits of the 22 and 26 tell the family of services; 420 and a ZIP code may stand before them.
        .. from family in (string[])["91", "92", "93", "94", "95"]
           from length in (int[])[22, 26]
           from zip in (int[])[0, 5, 9]
           where family != "91" || length == 22
           let prefix = zip == 0 ? "" : "420" + Digits(zip)
           select new TrackingFormat(
               Carriers.Usps, family == "91" ? "USPS" : $"USPS IMpb {family}", prefix + family + Digits(length - 2), Certainty.NeedsContext,
               number => CheckDigits.Gs1(number[prefix.Length..])),
        new(
            Carriers.Usps, "USPS 20", Digits(20), Certainty.NeedsLabel,
            number => CheckDigits.Gs1(number) || CheckDigits.Gs1Without91(number)),

        new(Carriers.Dhl, "DHL Express", Digits(10), Certainty.NeedsLabel, number => CheckDigits.Mod7(number)),
        new(Carriers.Dhl, "DHL Express", Digits(11), Certainty.NeedsLabel, number => CheckDigits.Mod7(number)),
        new(Carriers.Dhl, "DHL Express piece", "JD" + Digits(18), Certainty.NeedsContext),
        .. new[] { 14, 16, 18, 20 }.Select(
            length => new TrackingFormat(Carriers.Dhl, "DHL Express piece", "JJD" + Digits(length), Certainty.NeedsContext)),
        .. from prefix in (string[])["GM", "LX", "RX", "UV", "CN", "SG", "TH", "IN", "HK", "MY"]
           from length in Enumerable.Range(14, 9)
           where prefix == "GM" || length <= 18
           select new TrackingFormat(
               Carriers.DhlEcommerce, "DHL eCommerce", prefix + Digits(length),
               prefix == "GM" ? Certainty.NeedsContext : Certainty.NeedsLabel),
        new(Carriers.DhlEcommerce, "DHL eCommerce", Digits(14), Certainty.NeedsLabel),

        .. from prefix in (string[])["TBA", "TBC", "TBM"]
           from length in (int[])[12, 13, 14, 15]
           select new TrackingFormat(Carriers.Amazon, "Amazon Logistics", prefix + Digits(length), Certainty.StandsAlone),

        new(
            "post", "S10", "aadddddddddaa", Certainty.NeedsContext,
            number => CheckDigits.S10(number[2..11]) && Carriers.PostOf(number[11..]) is not null),

        .. Enumerable.Range(6, 15)
            .Select(length => new TrackingFormat(Carriers.Gofo, "GOFO Express", "GFUS" + Digits(length), Certainty.NeedsContext)),
        new(Carriers.YunExpress, "YunExpress", "YT" + Digits(16), Certainty.NeedsContext),
        new(Carriers.OnTrac, "OnTrac", "C" + Digits(14), Certainty.NeedsContext, number => CheckDigits.OnTrac(number)),
        new(Carriers.OnTrac, "OnTrac", "D" + Digits(14), Certainty.NeedsContext, number => CheckDigits.OnTrac(number)),
        .. from second in "AIEHNX"
           from third in "123"
           select new TrackingFormat(Carriers.LaserShip, "LaserShip LX", $"L{second}{third}{Digits(7)}", Certainty.NeedsContext),
        new(Carriers.LaserShip, "LaserShip 1LS", "1LS71" + Digits(10), Certainty.NeedsContext),
        new(Carriers.LaserShip, "LaserShip 1LS", "1LS72" + Digits(10), Certainty.NeedsContext),
        new(Carriers.LaserShip, "LaserShip 1LS", "1LS71" + Digits(11), Certainty.NeedsContext),
        new(Carriers.LaserShip, "LaserShip 1LS", "1LS72" + Digits(11), Certainty.NeedsContext),
        new(Carriers.LaserShip, "LaserShip 1LSCX", "1LSCXxxxxxxxxxx", Certainty.NeedsContext),
    ];

    /// <summary>The numbers with which carriers explain their formats.</summary>
    private static readonly FrozenSet<string> Samples = new[]
    {
        "1Z999AA10123456784", "1Z9999999999999999", "1Z12345E0205271688", "1Z12345E6605272234", "9400100000000000000000",
        "9205500000000000000000", "9407300000000000000000",
        "EA000000000US", "RA000000000US", "CP000000000US", "EC000000000US", "TBA123456789012", "TBA000000000000", "123456789012",
        "999999999999", "1234567890",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly TrackingFormat[][] ByLength =
        [.. Enumerable.Range(0, LongestNumber + 1).Select(length => All.Where(format => format.Shape.Length == length).ToArray())];

    /// <summary>
    /// For each two characters with which a number may begin the lengths of such numbers: bit <c>n</c> for <c>n</c> characters.
    /// </summary>
    private static readonly ulong[] LengthsByBeginning =
        [.. Alphabet.SelectMany(first => Alphabet.Select(second => All
            .Where(format => format.Fits(first, 0) && format.Fits(second, 1))
            .Aggregate(0UL, (lengths, format) => lengths | (1UL << format.Shape.Length))))];

    /// <summary>
    /// The shapes that only one carrier has. A number of such a shape with a wrong check digit is a typing error or an invention, whatever
    /// stands beside it.
    /// </summary>
    private static readonly TrackingFormat[] Unmistakable =
        [.. All.Where(format => format.Check is not null && format.Certainty is not Certainty.NeedsLabel)];

    /// <summary>Upper case, without blanks and hyphens; null: not 8 to 40 letters and digits, of which at least five are digits.</summary>
    public static string? Normalize(string? number)
    {
        if (number is null || number.Length > 2 * LongestNumber)
        {
            return null;
        }

        var compact = string.Concat(number.Where(letter => letter is not (' ' or '-' or '\u00A0'))).ToUpperInvariant();
        return compact.Length is >= ShortestNumber and <= LongestNumber
            && compact.All(char.IsAsciiLetterOrDigit)
            && compact.Count(char.IsAsciiDigit) >= 5
                ? compact
                : null;
    }

    /// <summary>
    /// The formats that a normalized number has, check digit included; several: the number alone does not tell the carrier.
    /// </summary>
    public static IReadOnlyList<TrackingCandidate> CandidatesOf(ReadOnlySpan<char> number)
    {
        if (number.Length > LongestNumber)
        {
            return [];
        }

        // Most words are no number, and each is tried several times: without a candidate nothing is allocated.
        List<TrackingCandidate>? candidates = null;
        foreach (var format in ByLength[number.Length])
        {
            if (format.Fits(number) && format.Check?.Invoke(number) is not false)
            {
                var carrier = format.Carrier == "post" ? Carriers.PostOf(number[11..])! : format.Carrier;
                (candidates ??= []).Add(new(carrier, format.Service, format.Certainty, format.Check is not null));
            }
        }

        return (IReadOnlyList<TrackingCandidate>?)candidates ?? [];
    }

    /// <summary>True: a sample of a carrier, or the same digit again and again.</summary>
    internal static bool IsPlaceholder(string number)
    {
        var (longest, run) = (1, 1);
        for (var at = 1; at < number.Length; at++)
        {
            run = number[at] == number[at - 1] ? run + 1 : 1;
            longest = Math.Max(longest, run);
        }

        return longest >= LongestRun || Samples.Contains(number);
    }

    /// <summary>True: a placeholder, or a number with a shape of one carrier alone and a wrong check digit.</summary>
    internal static bool IsMistyped(string number) =>
        IsPlaceholder(number) || (CandidatesOf(number).Count == 0 && Unmistakable.Any(format => format.Fits(number)));

    /// <summary>
    /// How long the numbers are that begin with these ASCII letters or digits, in any case: bit <c>n</c> for <c>n</c> characters.
    /// </summary>
    internal static ulong LengthsOf(char first, char second) => LengthsByBeginning[(ValueOf(first) * Alphabet.Length) + ValueOf(second)];

    private static int ValueOf(char character) => char.IsAsciiDigit(character) ? character - '0' : (character | ' ') - 'a' + 10;

    private static string Digits(int count) => new('d', count);
}

/// <summary>One format that a number has.</summary>
/// <param name="Carrier">Id of the carrier.</param>
/// <param name="Service">Name for people.</param>
/// <param name="Certainty">How certain a number of this format is without its surroundings.</param>
/// <param name="HasCheckDigit">Whether a check digit was verified.</param>
public sealed record TrackingCandidate(string Carrier, string Service, Certainty Certainty, bool HasCheckDigit);
