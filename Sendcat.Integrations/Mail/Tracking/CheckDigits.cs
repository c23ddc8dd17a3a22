namespace Sendcat.Integrations.Mail.Tracking;

/// <summary>
/// The check digits of carriers. Each method gets a number whose last character is the check digit. A prefix that does not count is cut off
/// by the caller.
/// </summary>
internal static class CheckDigits
{
    private static readonly int[] S10Weights = [8, 6, 4, 2, 3, 5, 9, 7];
    private static readonly int[] FedExWeights = [3, 1, 7];

    /// <summary>UPS: the second, fourth, … of the 15 characters after <c>1Z</c> count twice; letters count as 2, 3, …, modulo 10.</summary>
    public static bool Ups(ReadOnlySpan<char> number)
    {
        var sum = 0;
        for (var at = 0; at < number.Length - 1; at++)
        {
            var value = char.IsAsciiDigit(number[at]) ? Digit(number[at]) : (number[at] - 'A' + 2) % 10;
            sum += at % 2 == 0 ? value : 2 * value;
        }

        return Completes(sum, number[^1]);
    }

    /// <summary>GS1 (USPS, SSCC, FedEx Ground): from the right, every other digit counts three times.</summary>
    public static bool Gs1(ReadOnlySpan<char> number) => Completes(Gs1Sum(number), number[^1]);

    /// <summary>GS1 of a number of even length that is printed without its leading 91.</summary>
    public static bool Gs1Without91(ReadOnlySpan<char> number) => Completes((3 * 9) + 1 + Gs1Sum(number), number[^1]);

    /// <summary>FedEx Express: weights 3, 1, 7; the sum modulo 11, and 10 counts as 0.</summary>
    public static bool FedExExpress(ReadOnlySpan<char> number)
    {
        var sum = 0;
        for (var at = 0; at < number.Length - 1; at++)
        {
            sum += FedExWeights[at % 3] * Digit(number[at]);
        }

        return sum % 11 % 10 == Digit(number[^1]);
    }

    /// <summary>DHL Express: the number without its last digit, modulo 7.</summary>
    public static bool Mod7(ReadOnlySpan<char> number)
    {
        var rest = 0;
        foreach (var digit in number[..^1])
        {
            rest = ((rest * 10) + Digit(digit)) % 7;
        }

        return rest == Digit(number[^1]);
    }

    /// <summary>S10 of the Universal Postal Union: nine digits.</summary>
    public static bool S10(ReadOnlySpan<char> number)
    {
        var sum = 0;
        for (var at = 0; at < S10Weights.Length; at++)
        {
            sum += S10Weights[at] * Digit(number[at]);
        }

        return (11 - (sum % 11)) switch { 10 => 0, 11 => 5, var digit => digit } == Digit(number[^1]);
    }

    /// <summary>OnTrac: every second digit counts twice, modulo 10. The letter counts as a leading 4 (C) or 5 (D).</summary>
    public static bool OnTrac(ReadOnlySpan<char> number)
    {
        var leading = number[0] == 'C' ? '4' : '5';
        var digits = number[1..];

        // The leading digit is added unless it is printed, and then the digits behind it count from the second place.
        var added = digits[0] == leading ? 0 : 1;
        var sum = added * Digit(leading);
        for (var at = 0; at < digits.Length - 1; at++)
        {
            sum += (at + added) % 2 == 0 ? Digit(digits[at]) : 2 * Digit(digits[at]);
        }

        return Completes(sum, digits[^1]);
    }

    private static int Gs1Sum(ReadOnlySpan<char> number)
    {
        var sum = 0;
        for (var at = number.Length - 2; at >= 0; at--)
        {
            sum += (number.Length - at) % 2 == 0 ? 3 * Digit(number[at]) : Digit(number[at]);
        }

        return sum;
    }

    private static bool Completes(int sum, char check) => (sum + Digit(check)) % 10 == 0;

    private static int Digit(char digit) => digit - '0';
}
