namespace Sendcat.Integrations.Mail.Merchants;

/// <summary>To which order a place of a mail belongs.</summary>
internal sealed class OrderPlaces
{
    private readonly int[] _starts;
    private readonly string[] _numbers;
    private readonly string? _first;

    /// <param name="mentions">The order numbers of the mail in the order of its text; a negative start: only a link names it.</param>
    public OrderPlaces(IEnumerable<(string Number, int Start)> mentions)
    {
        var all = mentions.ToArray();
        var inText = all.Where(mention => mention.Start >= 0).ToArray();
        (_starts, _numbers) = ([.. inText.Select(mention => mention.Start)], [.. inText.Select(mention => mention.Number)]);
        _first = _numbers.FirstOrDefault() ?? all.Select(mention => mention.Number).FirstOrDefault();
    }

    /// <summary>The last order that is mentioned before the place, else the first after it; null: the mail mentions none.</summary>
    public string? OwnerOf(int place)
    {
        var at = Array.BinarySearch(_starts, place);
        at = at >= 0 ? at : ~at - 1;
        return at >= 0 ? _numbers[at] : _first;
    }
}
