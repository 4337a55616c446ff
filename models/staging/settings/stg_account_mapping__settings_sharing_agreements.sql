{#- Dates and numbers are read as text first: one that cannot be read must not pass for one that is left open. -#}
with

source as (

    {{ account_mapping.setting('account_mapping__sharing_agreements', required={
        'partner_id': dbt.type_string(),
        'direction': dbt.type_string(),
        'our_status': dbt.type_string(),
        'partner_status': dbt.type_string(),
        'level': dbt.type_string(),
        'fields': dbt.type_string(),
    }, optional={
        'minimum_count': dbt.type_string(),
        'valid_from': dbt.type_string(),
        'valid_until': dbt.type_string(),
    }) }}

),

renamed as (

    select
        ---------- ids
        partner_id,

        ---------- text
        lower(direction) as direction,
        coalesce(lower(our_status), '*') as our_status,
        coalesce(lower(partner_status), '*') as partner_status,
        lower(level) as sharing_level,
        lower(fields) as shared_fields,

        ---------- numerics
        {{ account_mapping.to_integer('minimum_count') }} as minimum_count,

        ---------- dates
        {{ account_mapping.to_date('valid_from') }} as valid_from,
        {{ account_mapping.to_date('valid_until') }} as valid_until,

        ---------- flags
        (minimum_count is null or {{ account_mapping.to_integer('minimum_count') }} is not null)
        and (valid_from is null or {{ account_mapping.to_date('valid_from') }} is not null)
        and (valid_until is null or {{ account_mapping.to_date('valid_until') }} is not null)
        and coalesce(lower(direction) in ('offered', 'accepted'), false)
        and coalesce(lower(level) in ('hidden', 'counts', 'overlapping', 'all'), false)
        and coalesce(
            lower(our_status) in ('*', 'customer', 'open_opportunity', 'churned', 'prospect'), true
        )
        and coalesce(
            lower(partner_status) in ('*', 'customer', 'open_opportunity', 'churned', 'prospect', 'not_shared'),
            true
        ) as is_readable

    from source

)

select * from renamed
