with

source as (

    {{ account_mapping.stage_table('partners', 'partner_agreements', as_text=true) }}

),

cleaned as (

    select
        ---------- ids
        lower({{ account_mapping.clean_id('partner_id', is_clean=true) }}) as partner_id,
        agreement_hash,

        ---------- text
        lower(direction) as direction,
        coalesce(lower(our_status), '*') as our_status,
        coalesce(lower(partner_status), '*') as partner_status,
        lower(level) as sharing_level,
        lower(fields) as shared_fields,
        minimum_count as raw_minimum_count,
        valid_from as raw_valid_from,
        valid_until as raw_valid_until

    from source

),

typed as (

    select
        *,
        ---------- numerics
        {{ account_mapping.to_integer('raw_minimum_count') }} as minimum_count,

        ---------- dates
        {{ account_mapping.to_date('raw_valid_from', is_clean=true) }} as valid_from,
        {{ account_mapping.to_date('raw_valid_until', is_clean=true) }} as valid_until

    from cleaned

),

renamed as (

    select
        partner_id,
        agreement_hash,
        direction,
        our_status,
        partner_status,
        sharing_level,
        shared_fields,
        minimum_count,
        valid_from,
        valid_until,

        ---------- flags
        coalesce(direction not in ('offered', 'accepted'), true)
        or coalesce(sharing_level not in ('hidden', 'counts', 'overlapping', 'all'), true)
        or our_status not in ('*', 'customer', 'open_opportunity', 'churned', 'prospect')
        or partner_status not in ('*', 'customer', 'open_opportunity', 'churned', 'prospect', 'not_shared')
        or (raw_minimum_count is not null and minimum_count is null)
        or (raw_valid_from is not null and valid_from is null)
        or (raw_valid_until is not null and valid_until is null) as is_malformed

    from typed

)

select * from renamed
