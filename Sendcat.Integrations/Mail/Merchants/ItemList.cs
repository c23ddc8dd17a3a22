using System.Globalization;
using System.Text.RegularExpressions;

namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>The items of one order, from the lines of the mail that belong to it.</summary>
internal sealed class ItemList
{
    private const int LongestItem = 120;
    private const int LongestSummary = 300;

    /// <summary>A longer line is prose.</summary>
    private const int LongestLine = 400;

    private static readonly Regex Quantity = LinearRegex.Of(
        @"^\s*(qty|quantity|menge|cantidad|quantit[eéà]|quantit[aà]|数量)\s*[:：x]?\s*(?<count>[0-9]{1,3})\b");
    private static readonly Regex BulletQuantity = LinearRegex.Of(@"^\s*[•*·-]\s*(?<name>.{3,200})$");
    private static readonly Regex Shipped = LinearRegex.Of(@"\b(?<count>[0-9]{1,3})\s+item\(?s?\)?\s+shipped");

    private readonly List<string> _names = [];
    private int _count;
    private string _previous = "";
    private bool _isAfterBullet;

    /// <summary>One item by its name; several, or one without a name, by their count; null: none.</summary>
    public string? Summary =>
        (_names.Count == 1 && _count <= 1 ? _names[0] : _count > 0 ? _names.Count == 1 ? _names[0] : $"{_count} items" : null) switch
        {
            { Length: > LongestSummary } summary => summary[..LongestSummary],
            var summary => summary,
        };

    /// <summary>The next line does not follow the last one.</summary>
    public void Begin() => (_previous, _isAfterBullet) = ("", false);

    public void Add(ReadOnlySpan<char> line)
    {
        var belongsToBullet = _isAfterBullet;
        _isAfterBullet = false;
        if (MayBeItem(line))
        {
            AddItem(line.ToString(), belongsToBullet);
        }

        _previous = line.Trim().Trim(" *•-").ToString();
    }

    /// <summary>
    /// Every item has a digit or begins with a bullet. A search for it costs much less than a pattern, and mails have many lines.
    /// </summary>
    private static bool MayBeItem(ReadOnlySpan<char> line) =>
        line.Length < LongestLine && (line.ContainsAnyInRange('0', '9') || line.TrimStart() is ['•' or '*' or '·' or '-', ..]);

    private void AddItem(string line, bool belongsToBullet)
    {
        if (Quantity.Match(line) is { Success: true } quantity)
        {
            var each = int.Parse(quantity.Groups["count"].Value, CultureInfo.InvariantCulture);
            _count += each;
            if (belongsToBullet)
            {
                _count--;
                _names.RemoveAt(_names.Count - 1);
            }

            if (_previous.Length >= 3)
            {
                _names.Add(each > 1 ? $"{Cut(_previous)} x{each}" : Cut(_previous));
            }
        }
        else if (BulletQuantity.Match(line) is { Success: true } bullet)
        {
            _count++;
            _names.Add(Cut(bullet.Groups["name"].Value.Trim()));
            _isAfterBullet = true;
        }
        else if (Shipped.Match(line) is { Success: true } shipped)
        {
            _count = int.Parse(shipped.Groups["count"].Value, CultureInfo.InvariantCulture);
        }
    }

    private static string Cut(string name) => name.Length <= LongestItem ? name : name[..LongestItem].TrimEnd();
}
