namespace Sendcat.Reliability.Knobs;

/// <summary>Names the environment variable of a setting. Its default is the property's initial value, its range a <c>[Range]</c> or <c>[RegularExpression]</c> beside it.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class KnobAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}
