{#- Numbers are read as text first: one that cannot be read must not pass for one that is left open. -#}
{%- set points = [
    'recent_win_points', 'long_customer_points', 'new_overlap_points', 'owners_known_points', 'open_amount_points',
] -%}
{%- set limits = {'recent_days': 180, 'long_customer_days': 730, 'full_amount': 100000} -%}
with

source as (

    {{ account_mapping.setting('account_mapping__play_rules', required={
        'our_status': dbt.type_string(),
        'partner_status': dbt.type_string(),
        'play': dbt.type_string(),
        'base_score': dbt.type_string(),
    }, optional={
        'ask': dbt.type_string(),
        'give_back': dbt.type_string(),
        'recent_win_points': dbt.type_string(),
        'long_customer_points': dbt.type_string(),
        'new_overlap_points': dbt.type_string(),
        'owners_known_points': dbt.type_string(),
        'open_amount_points': dbt.type_string(),
        'recent_days': dbt.type_string(),
        'long_customer_days': dbt.type_string(),
        'full_amount': dbt.type_string(),
    }) }}

),

renamed as (

    select
        ---------- text
        lower(our_status) as our_status,
        lower(partner_status) as partner_status,
        {{ account_mapping.spreadsheet_safe('play') }} as play,
        {{ account_mapping.spreadsheet_safe('ask') }} as ask,
        {{ account_mapping.spreadsheet_safe('give_back') }} as give_back,

        ---------- numerics
        {{ account_mapping.to_integer('base_score') }} as base_score,
        {% for column in points -%}
        coalesce({{ account_mapping.to_integer(column) }}, 0) as {{ column }},
        {% endfor -%}
        {% for column, default in limits.items() -%}
        coalesce({{ account_mapping.to_integer(column) }}, {{ default }}) as {{ column }},
        {% endfor %}
        ---------- flags
        {{ account_mapping.to_integer('base_score') }} is not null
        {% for column in points + (limits | list) -%}
        and ({{ column }} is null or {{ account_mapping.to_integer(column) }} is not null)
        {% endfor -%}
        and coalesce({{ account_mapping.to_integer('full_amount') }} > 0, true) as is_readable

    from source

)

select * from renamed
