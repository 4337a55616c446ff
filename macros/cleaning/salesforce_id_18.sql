{% macro salesforce_id_18(text, is_clean=false) -%}
    {#- A Salesforce id in its 18-character form, which alone tells ids apart in systems that fold case.

        Reports give 15 characters. The suffix has one character per five of them: bit i is set where character i of
        the five is upper case, and the number picks from A-Z and 0-5. Anything but 15 letters and digits stays. -#}
    {%- set id = text if is_clean else account_mapping.clean_text(text) -%}
    case
        when not {{ account_mapping.matches_pattern(id, '^[A-Za-z0-9]{15}$') }} then {{ id }}
        else {{ id }}
        {%- for start in [1, 6, 11] %}
            || substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1
            {%- for bit in range(5) %}
                + case when ascii(substr({{ id }}, {{ start + bit }}, 1)) between 65 and 90 then {{ 2 ** bit }} else 0 end
            {%- endfor -%}
            , 1)
        {%- endfor %}
    end
{%- endmacro %}
