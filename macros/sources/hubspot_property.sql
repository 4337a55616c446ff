{% macro hubspot_property(name, labels=[]) %}
    {#- The columns in which loaders put a HubSpot property: Fivetran's and Airbyte's prefix, the object
        `properties` of HubSpot's own interface, the bare internal name,
        and the labels of HubSpot's own export. -#}
    {{- return(['property_' ~ name, 'properties.' ~ name, name] + labels) -}}
{% endmacro %}
