using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>A random text. Alphabets leave out what is easily mistaken (l, o, I, O, 0, 1).</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    private const string LowerLetters = "abcdefghijkmnpqrstuvwxyz";
    private const string UpperLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ";
    private const string Digits = "23456789";
    private const string Specials = "-_.{}~()*+!";

    /// <summary>Characters; at least what the minimums below add up to.</summary>
    public int MinLength { get; set; }

    public bool Lower { get; set; } = true;

    public bool Upper { get; set; } = true;

    public bool Numeric { get; set; } = true;

    public bool Special { get; set; } = true;

    public int MinLower { get; set; }

    public int MinUpper { get; set; }

    public int MinNumeric { get; set; }

    public int MinSpecial { get; set; }

    public override string GetDefaultValue()
    {
        var alphabet = (Lower ? LowerLetters : "") + (Upper ? UpperLetters : "") + (Numeric ? Digits : "") + (Special ? Specials : "");
        if (alphabet.Length == 0)
        {
            throw new InvalidOperationException("A generated parameter needs at least one kind of character.");
        }

        var required = RandomNumberGenerator.GetItems<char>(LowerLetters, Lower ? MinLower : 0)
            .Concat(RandomNumberGenerator.GetItems<char>(UpperLetters, Upper ? MinUpper : 0))
            .Concat(RandomNumberGenerator.GetItems<char>(Digits, Numeric ? MinNumeric : 0))
            .Concat(RandomNumberGenerator.GetItems<char>(Specials, Special ? MinSpecial : 0))
            .ToArray();
        char[] text = [.. required, .. RandomNumberGenerator.GetItems<char>(alphabet, Math.Max(0, MinLength - required.Length))];
        RandomNumberGenerator.Shuffle<char>(text);
        return new(text);
    }
}
