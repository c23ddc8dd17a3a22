namespace Sendcat.Integrations.Mail.Markup;

/// <summary>A thing that a mail describes for machines with the words of schema.org.</summary>
/// <param name="Types">Names without address, for example <c>ParcelDelivery</c>.</param>
/// <param name="Properties">The values of each property in their order.</param>
public sealed record MarkupItem(IReadOnlyList<string> Types, IReadOnlyDictionary<string, IReadOnlyList<MarkupValue>> Properties)
{
    /// <summary>True for this type. Unknown case and the address of schema.org do not matter.</summary>
    public bool Is(string type) => Types.Contains(type, StringComparer.OrdinalIgnoreCase);

    /// <summary>The first text of a property that is not blank; of an item its name.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            foreach (var value in Properties.GetValueOrDefault(name) ?? [])
            {
                if ((value.Text ?? value.Item?.Text("name", "value"))?.Trim() is { Length: > 0 } text)
                {
                    return text;
                }
            }
        }

        return null;
    }

    /// <summary>The items among the values of a property.</summary>
    public IEnumerable<MarkupItem> Items(params string[] names) =>
        from name in names
        from value in Properties.GetValueOrDefault(name) ?? []
        where value.Item is not null
        select value.Item;
}

/// <summary>A text or an item.</summary>
public sealed record MarkupValue(string? Text, MarkupItem? Item);
