{% macro key_row_problem(key_rows, partners) -%}
    {#- What is wrong with a row of hashed keys, given the settings of its partner; null for one that counts. -#}
    case
        when {{ partners }}.partner_id is null then 'unknown_partner'
        when not {{ partners }}.is_active then 'inactive_partner'
        when {{ partners }}.exchange not in ('keys', 'psi') then 'keys_of_readable_partner'
        when coalesce({{ key_rows }}.agreement_id, '') <> coalesce({{ partners }}.agreement_id, '')
            then 'other_agreement'
        when coalesce({{ key_rows }}.epoch, '') <> coalesce({{ partners }}.epoch, '')
            then 'other_epoch'
        when
            coalesce({{ key_rows }}.normaliser_version, '')
            <> '{{ account_mapping.normaliser_version() }}'
            then 'other_normaliser_version'
        when
            {{ key_rows }}.account_token is null
            or {{ key_rows }}.key_type is null
            or not coalesce(
                {{ account_mapping.matches_pattern(key_rows ~ '.token', '^[0-9a-f]{64}$') }}, false
            )
            then 'malformed_key'
    end
{%- endmacro %}
