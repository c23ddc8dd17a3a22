using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Sendcat.Reliability.Knobs;

/// <summary>One setting: where it lives, what it may be, what it is when nobody says anything.</summary>
public sealed class Knob
{
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
        Section = SectionOf(property.DeclaringType!);
        DefaultValue = property.GetValue(defaults);
        Unit = attribute.Unit ?? UnitOf(attribute.Name);
        Range = KnobText.RangeOf(property.PropertyType, _rules);
    }

    /// <summary>The environment variable.</summary>
    public string Name { get; }

    /// <summary>The configuration section under <c>Sendcat</c>: the options class without its ending.</summary>
    public string Section { get; }

    public string Property => _property.Name;

    public string Unit { get; }

    /// <summary>What is allowed, for people: <c>1–100</c>, a pattern, a list of words.</summary>
    public string Range { get; }

    public bool Secret { get; }

    /// <inheritdoc cref="KnobAttribute.StartUpOnly"/>
    public bool StartUpOnly { get; }

    public Type Type => _property.PropertyType;

    public string Default => Show(DefaultValue);

    /// <summary>The summary of the property; empty where the documentation file is not deployed.</summary>
    public string Description => KnobDescriptions.Of(_property);

    internal object? DefaultValue { get; }

    internal Type Owner => _property.DeclaringType!;

    internal string ConfigurationPath => $"Sendcat:{Section}:{Property}";

    internal void Set(object options, object? value) => _property.SetValue(options, value);

    /// <summary>The value as text; a secret only says whether there is one.</summary>
    internal string Show(object? value) => KnobText.Of(value) is { Length: > 0 } text ? Secret ? Redacted : text : "";

    /// <summary>Reads a text by the log's rules: integers are floored, out of range is no value at all, nothing is clamped.</summary>
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
                reason = rule is RangeAttribute ? $"outside {Range}" : $"does not match {Range}";
                return false;
            }
        }

        reason = "";
        return true;
    }

    /// <summary>A pattern that is still not decided after its time does not match.</summary>
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
