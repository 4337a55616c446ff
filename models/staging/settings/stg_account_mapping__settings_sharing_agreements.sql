with

source as (

    {{ setting('account_mapping__sharing_agreements', required={
        'partner_id': dbt.type_string(),
        'direction': dbt.type_string(),
        'our_status': dbt.type_string(),
        'partner_status': dbt.type_string(),
        'level': dbt.type_string(),
        'fields': dbt.type_string(),
    }, optional={
        'minimum_count': dbt.type_int(),
        'valid_from': 'date',
        'valid_until': 'date',
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
        minimum_count,

        ---------- dates
        valid_from,
        valid_until

    from source

)

select * from renamed
