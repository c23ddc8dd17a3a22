namespace Aspire.Hosting.ApplicationModel;

/// <summary>A value that an operator may set. Read once, when first asked for.</summary>
public class ParameterResource(string name, Func<ParameterDefault?, string> callback, bool secret = false) : Resource(name), IExpressionValue
{
    private readonly Lock _reading = new();
    private string? _value;

    public ParameterDefault? Default { get; set; }

    public string? Description { get; set; }

    public bool Secret { get; } = secret;

    public string ValueExpression => $"{{{Name}.value}}";

    public ValueTask<string?> GetValueAsync(CancellationToken cancellationToken = default)
    {
        lock (_reading)
        {
            return new(_value ??= callback(Default));
        }
    }
}

public abstract class ParameterDefault
{
    public abstract string GetDefaultValue();
}

public sealed class MissingParameterValueException(string message) : DistributedApplicationException(message);
