using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Sendcat.Reliability.Knobs;

/// <summary>A setting: its names in the configuration, its allowed values and its default.</summary>
public sealed class Knob
{
    /// <summary>Shown instead of the value of a secret.</summary>
    public const string Redacted = "***redacted***";

    private readonly PropertyInfo _property;
    private readonly ValidationAttribute[] _rules;

    internal Knob(KnobAttribute attribute, PropertyInfo property, object defaults)
    {
        _property = property;
        _rules = [.. property.GetCustomAttributes<ValidationAttribute>()];
        Name = attribute.Name;
        Secret = attribute.Secret;
        StartUpOnly = attribute.StartUpOnly;
        WithoutEffect = attribute.WithoutEffect;
        Needs = attribute.Needs;
        var path = attribute.Path?.Split(':') ?? [SectionOf(property.DeclaringType!), property.Name];
        (Section, Property) = (path[0], path[1]);
        DefaultValue = property.GetValue(defaults);
        Unit = attribute.Unit ?? UnitOf(attribute.Name);
        Range = KnobText.RangeOf(property.PropertyType, _rules);
    }

    /// <summary>The environment variable.</summary>
    public string Name { get; }

    /// <summary>
    /// The configuration section under <c>Sendcat</c>: the name of the options class without <c>Options</c>, or as
    /// <see cref="KnobAttribute.Path"/> says.
    /// </summary>
    public string Section { get; }

    /// <summary>The key in that section.</summary>
    public string Property { get; }

    /// <summary>Unit of the value, for instance <c>ms</c>, <c>%</c>, <c>min</c>, <c>1/s</c>; empty without one.</summary>
    public string Unit { get; }

    /// <summary>
    /// The allowed values as readable text: <c>1–100</c>, a pattern or a list of values; empty when every value is allowed.
    /// </summary>
    public string Range { get; }

    public bool Secret { get; }

    /// <inheritdoc cref="KnobAttribute.StartUpOnly"/>
    public bool StartUpOnly { get; }

    /// <inheritdoc cref="KnobAttribute.WithoutEffect"/>
    public bool WithoutEffect { get; }

    /// <inheritdoc cref="KnobAttribute.Needs"/>
    public string? Needs { get; }

    public Type Type => _property.PropertyType;

    public string Default => Show(DefaultValue);

    /// <summary>The summary of the property; empty where the documentation file is not deployed.</summary>
    public string Description => KnobDescriptions.Of(_property);

    internal object? DefaultValue { get; }

    internal Type Owner => _property.DeclaringType!;

    /// <summary>The name of the property of <see cref="Owner"/>.</summary>
    internal string Member => _property.Name;

    internal string ConfigurationPath => $"Sendcat:{Section}:{Property}";

    internal void Set(object options, object? value) => _property.SetValue(options, value);

    /// <summary>The value as text. For a secret: <see cref="Redacted"/>, or empty when it is not set.</summary>
    internal string Show(object? value) => KnobText.Of(value) is { Length: > 0 } text ? Secret ? Redacted : text : "";

    /// <summary>Parses a text. Integers are rounded down. A value outside the range is rejected, not clamped.</summary>
    /// <param name="text">The text.</param>
    /// <param name="value">The value; not valid when the method returns false.</param>
    /// <param name="reason">Why the text was rejected; empty when it was accepted.</param>
    internal bool TryParse(string text, out object? value, out string reason)
    {
        value = KnobText.Parse(text.Trim(), Nullable.GetUnderlyingType(Type) ?? Type);
        if (value is null)
        {
            reason = $"not a {KnobText.KindOf(Type)}";
            return false;
        }

        foreach (var rule in _rules)
        {
            if (!Holds(rule, value))
            {
                reason = rule switch
                {
                    RangeAttribute => $"outside {Range}",
                    HttpUrlAttribute => $"not an {Range}",
                    _ => $"does not match {Range}",
                };
                return false;
            }
        }

        reason = "";
        return true;
    }

    /// <summary>Whether the value satisfies the rule. A pattern that times out counts as no match.</summary>
    private static bool Holds(ValidationAttribute rule, object value)
    {
        try
        {
            return rule.IsValid(value);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;
        }
    }

    internal static IEnumerable<Knob> Of(Type options)
    {
        var defaults = Activator.CreateInstance(options)!;
        return from property in options.GetProperties()
               let attribute = property.GetCustomAttribute<KnobAttribute>()
               where attribute is not null
               select new Knob(attribute, property, defaults);
    }

    private static string SectionOf(Type options) =>
        options.Name.EndsWith("Options", StringComparison.Ordinal) ? options.Name[..^"Options".Length] : options.Name;

    private static string UnitOf(string name) =>
        name.EndsWith("_MS", StringComparison.Ordinal) ? "ms"
        : name.EndsWith("_PCT", StringComparison.Ordinal) ? "%"
        : name.EndsWith("_MIN", StringComparison.Ordinal) || name.EndsWith("_MINUTES", StringComparison.Ordinal) ? "min"
        : name.EndsWith("_PER_SEC", StringComparison.Ordinal) ? "1/s"
        : "";
}
