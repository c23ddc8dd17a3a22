using Sendcat.ApiService.Tools.SearchProducts;

namespace Sendcat.UnitTests.Tools;

public sealed class CategoryNameTests
{
    [Theory]
    [InlineData("Rice Cookers", "rice cookers", false, 100)]
    [InlineData("Rice Cookers", "rice cookers", true, 105)]
    [InlineData("rice", "rice cookers", false, 85)]
    [InlineData("cookers", "rice cookers", true, 75)]
    [InlineData("Cookers, Rice!", "rice cookers", false, 60)]
    [InlineData("electric rice cookers", "rice cookers", true, 45)]
    [InlineData("laptops", "rice cookers", true, 5)]
    public void The_more_of_a_name_is_in_a_category_the_more_it_is_meant(string name, string category, bool leaf, int likeness) =>
        Assert.Equal(likeness, CategoryName.Of(name).Similarity(category, leaf));

    [Theory]
    [InlineData("kettles", "3")] // the same name before one that begins so
    [InlineData("kettle", "3")] // of those that begin so the shortest
    [InlineData("rice", "4")] // of the same name the smaller id
    [InlineData("laptops", null)]
    public void Of_equals_the_same_one_is_meant_whatever_their_order(string name, string? id)
    {
        NamedCategory[] tree = [new("1", "kettles stove top", true), new("3", "kettles", true), new("5", "rice cookers", true), new("4", "rice cookers", true), new("2", "electric kettles", true)];

        Assert.Equal(id, CategoryName.Of(name).Nearest(tree));
        Assert.Equal(id, CategoryName.Of(name).Nearest([.. tree.Reverse()]));
    }
}
