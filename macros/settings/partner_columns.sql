{% macro partner_columns(table, name='partner_name') -%}
    {#- A partner as people know it, for a model that left joins the CTE `partners`: name, kind and tier. A partner that
        the settings do not name goes by its id, as one does of which only history tells. -#}
    coalesce(partners.partner_name, {{ table }}.partner_id) as {{ name }},
    partners.partner_type,
    partners.tier
{%- endmacro %}
