with

source as (

    {{ account_mapping.setting('account_mapping__domain_aliases', required={
        'domain': dbt.type_string(),
        'canonical_domain': dbt.type_string(),
        'relation': dbt.type_string(),
    }) }}

),

renamed as (

    select distinct
        lower(domain) as raw_domain,
        lower(canonical_domain) as raw_canonical_domain,
        lower(relation) as relation

    from source
    where
        domain is not null
        and canonical_domain is not null

)

select * from renamed
