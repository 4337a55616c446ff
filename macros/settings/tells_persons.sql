{% macro tells_persons() -%}
    {#- Whether a row of int_account_mapping__agreements_in_force lets persons be told one by one, as a condition. -#}
    (
        sharing_level in ('overlapping', 'all')
        and ';' || shared_fields || ';' like '%;person;%'
        and ';' || shared_fields || ';' like '%;person_rows;%'
    )
{%- endmacro %}
